#define _GNU_SOURCE /* posix_memalign, mremap */
#if defined(__linux__)
#include <sys/mman.h>
#endif
#include <stdatomic.h>
#include <stdlib.h>

#include "buffer.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define SLAB ((size_t)4 << 20)
#define MOST_SLABS 128
#define CLASSES 160

static atomic_llong live_buffers;

void *vf_aligned_alloc(size_t size) {
#if defined(_WIN32)
    return _aligned_malloc(size, 64);
#else
    void *p = NULL;
    return posix_memalign(&p, 64, size) == 0 ? p : NULL;
#endif
}

void vf_aligned_free(void *p) {
#if defined(_WIN32)
    _aligned_free(p);
#else
    free(p);
#endif
}

int64_t vf_live_buffers(void) { return atomic_load(&live_buffers); }

/* ---- memory from the system ------------------------------------------------------------------
 * From 2 MiB up, Linux maps memory directly: huge pages save a fault per 4 KiB of first touch, and
 * mremap grows a buffer without copying it. */

static bool is_mapped(size_t capacity) {
#if defined(__linux__)
    return capacity >= HUGE_PAGE;
#else
    (void)capacity;
    return false;
#endif
}

/* Capacities come in four steps for each power of two, so that a buffer serves again for any that is
 * nearly as large. Mapped ones are whole huge pages. */
static size_t round_up(size_t size) {
    if (size <= 256) return 256;
    const size_t step = (size_t)1 << (61 - vf_clz64(size - 1));
    const size_t rounded = (size + step - 1) & ~(step - 1);
    return is_mapped(rounded) ? (rounded + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1) : rounded;
}

/* The number of a capacity that round_up gave; CLASSES and more: too large to be kept. */
static size_t class_of(size_t capacity) {
    const size_t power = 63 - vf_clz64(capacity - 1);
    return (power - 7) * 4 + ((capacity - 1) >> (power - 2) & 3);
}

static uint8_t *system_alloc(size_t capacity) {
#if defined(__linux__)
    if (is_mapped(capacity)) {
        size_t span = capacity + HUGE_PAGE;
        uint8_t *raw = mmap(NULL, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (raw == MAP_FAILED) return NULL;
        size_t head = (HUGE_PAGE - ((uintptr_t)raw & (HUGE_PAGE - 1))) & (HUGE_PAGE - 1);
        if (head) munmap(raw, head);
        if (span - head > capacity) munmap(raw + head + capacity, span - head - capacity);
        madvise(raw + head, capacity, MADV_HUGEPAGE);
        return raw + head;
    }
#endif
    return vf_aligned_alloc(capacity);
}

static void system_free(uint8_t *data, size_t capacity) {
#if defined(__linux__)
    if (is_mapped(capacity)) {
        munmap(data, capacity);
        return;
    }
#endif
    (void)capacity;
    vf_aligned_free(data);
}

/* ---- pool ------------------------------------------------------------------------------------ */

/* An idle buffer, in its own first bytes. */
typedef struct vf_idle {
    struct vf_idle *next;
    size_t capacity;
} vf_idle;

struct vf_pool {
    atomic_int references;
    atomic_flag lock; /* held for a handful of instructions */
    size_t limit, idle;
    vf_idle *bins[CLASSES];
    /* A stream's buffers are cut from slabs of huge pages, which live as long as the stream: batches
     * that wait for their consumer would cost a page fault for every 4 KiB otherwise. */
    bool cuts_slabs;
    uint8_t *slabs[MOST_SLABS];
    size_t slab_count, slab_used; /* of the last one */
};

static void pool_lock(vf_pool *pool) {
    while (atomic_flag_test_and_set_explicit(&pool->lock, memory_order_acquire)) {
    }
}

static void pool_unlock(vf_pool *pool) {
    atomic_flag_clear_explicit(&pool->lock, memory_order_release);
}

vf_pool *vf_pool_new(size_t limit) {
    vf_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return NULL;
    atomic_init(&pool->references, 1);
    atomic_flag_clear(&pool->lock);
    pool->limit = limit;
    return pool;
}

vf_pool *vf_stream_pool_new(size_t limit) {
    vf_pool *pool = vf_pool_new(limit);
    if (pool) pool->cuts_slabs = true;
    return pool;
}

vf_pool *vf_pool_retain(vf_pool *pool) {
    if (pool) atomic_fetch_add(&pool->references, 1);
    return pool;
}

static bool is_cut(const vf_pool *pool, const void *data) {
    for (size_t i = 0; i < pool->slab_count; i++) {
        if ((uintptr_t)data - (uintptr_t)pool->slabs[i] < SLAB) return true;
    }
    return false;
}

void vf_pool_release(vf_pool *pool) {
    if (!pool || atomic_fetch_sub(&pool->references, 1) != 1) return;
    for (size_t i = 0; i < CLASSES; i++) {
        for (vf_idle *idle = pool->bins[i], *next; idle; idle = next) {
            next = idle->next;
            if (!is_cut(pool, idle)) system_free((uint8_t *)idle, idle->capacity);
        }
    }
    for (size_t i = 0; i < pool->slab_count; i++) system_free(pool->slabs[i], SLAB);
    free(pool);
}

/* A new piece of a slab, or NULL: too large a part of one, or no more slabs. */
static uint8_t *cut(vf_pool *pool, size_t capacity) {
    if (!pool->cuts_slabs || capacity > SLAB / 4) return NULL;
    if (!pool->slab_count || pool->slab_used + capacity > SLAB) {
        uint8_t *slab = pool->slab_count < MOST_SLABS ? system_alloc(SLAB) : NULL;
        if (!slab) return NULL;
        pool->slabs[pool->slab_count++] = slab;
        pool->slab_used = 0;
    }
    uint8_t *data = pool->slabs[pool->slab_count - 1] + pool->slab_used;
    pool->slab_used += capacity;
    return data;
}

static uint8_t *pool_take(vf_pool *pool, size_t capacity) {
    const size_t class = class_of(capacity);
    uint8_t *data = NULL;
    if (!pool || class >= CLASSES) return NULL;
    pool_lock(pool);
    vf_idle *idle = pool->bins[class];
    if (idle) {
        pool->bins[class] = idle->next;
        data = (uint8_t *)idle;
        if (!is_cut(pool, data)) pool->idle -= capacity;
    } else {
        data = cut(pool, capacity);
    }
    pool_unlock(pool);
    return data;
}

/* False: the buffer goes back to the system. */
static bool pool_give(vf_pool *pool, uint8_t *data, size_t capacity) {
    const size_t class = class_of(capacity);
    if (!pool || class >= CLASSES) return false;
    pool_lock(pool);
    const bool part = is_cut(pool, data);
    const bool kept = part || pool->idle + capacity <= pool->limit;
    if (kept) {
        vf_idle *idle = (vf_idle *)(void *)data;
        *idle = (vf_idle){.next = pool->bins[class], .capacity = capacity};
        pool->bins[class] = idle;
        if (!part) pool->idle += capacity;
    }
    pool_unlock(pool);
    return kept;
}

/* ---- buffers --------------------------------------------------------------------------------- */

static bool grow_in_place(vf_buffer *buffer, size_t capacity) {
#if defined(__linux__)
    if (is_mapped(buffer->capacity) && is_mapped(capacity)) {
        void *moved = mremap(buffer->data, buffer->capacity, capacity, MREMAP_MAYMOVE);
        if (moved == MAP_FAILED) return false;
        buffer->data = moved;
        buffer->capacity = capacity;
        return true;
    }
#endif
    (void)buffer;
    (void)capacity;
    return false;
}

bool vf_buffer_reserve(vf_buffer *buffer, size_t extra, vf_pool *pool) {
    size_t wanted = buffer->length + extra + VF_PAD;
    if (wanted <= buffer->capacity) return true;
    if (wanted < extra) return false;
    if (wanted < buffer->capacity + buffer->capacity / 2) {
        wanted = buffer->capacity + buffer->capacity / 2;
    }
    wanted = round_up(wanted);
    if (buffer->data && grow_in_place(buffer, wanted)) return true;

    uint8_t *data = pool_take(pool, wanted);
    if (!data) data = system_alloc(wanted);
    if (!data) return false;
    atomic_fetch_add(&live_buffers, 1);
    size_t length = buffer->length;
    if (buffer->data) {
        memcpy(data, buffer->data, length);
        vf_buffer_free(buffer, pool);
    }
    buffer->data = data;
    buffer->length = length;
    buffer->capacity = wanted;
    return true;
}

void vf_buffer_free(vf_buffer *buffer, vf_pool *pool) {
    if (buffer->data) {
        atomic_fetch_sub(&live_buffers, 1);
        if (!pool_give(pool, buffer->data, buffer->capacity)) {
            system_free(buffer->data, buffer->capacity);
        }
    }
    buffer->data = NULL;
    buffer->length = buffer->capacity = 0;
}
