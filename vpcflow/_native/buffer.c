#define _GNU_SOURCE /* posix_memalign, mremap */
#if defined(__linux__)
#include <sys/mman.h>
#endif
#include <stdatomic.h>
#include <stdlib.h>

#include "buffer.h"

#define POOL_SLOTS 512
#define HUGE_PAGE ((size_t)2 << 20)

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

static size_t round_up(size_t size) {
    size_t unit = is_mapped(size) ? HUGE_PAGE : 64;
    return (size + unit - 1) & ~(unit - 1);
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

struct vf_pool {
    atomic_int references;
    atomic_flag lock; /* held for a handful of instructions */
    size_t limit, idle;
    size_t count;
    struct {
        uint8_t *data;
        size_t capacity;
    } slots[POOL_SLOTS];
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

vf_pool *vf_pool_retain(vf_pool *pool) {
    if (pool) atomic_fetch_add(&pool->references, 1);
    return pool;
}

void vf_pool_release(vf_pool *pool) {
    if (!pool || atomic_fetch_sub(&pool->references, 1) != 1) return;
    for (size_t i = 0; i < pool->count; i++) {
        system_free(pool->slots[i].data, pool->slots[i].capacity);
    }
    free(pool);
}

/* The smallest idle buffer that fits without wasting more than it holds; 0 when there is none. */
static size_t pool_take(vf_pool *pool, size_t wanted, uint8_t **data) {
    size_t best = SIZE_MAX, best_capacity = SIZE_MAX;
    if (!pool) return 0;
    pool_lock(pool);
    for (size_t i = 0; i < pool->count; i++) {
        size_t capacity = pool->slots[i].capacity;
        if (capacity >= wanted && capacity / 2 <= wanted && capacity < best_capacity) {
            best = i;
            best_capacity = capacity;
        }
    }
    if (best != SIZE_MAX) {
        *data = pool->slots[best].data;
        pool->slots[best] = pool->slots[--pool->count];
        pool->idle -= best_capacity;
    }
    pool_unlock(pool);
    return best == SIZE_MAX ? 0 : best_capacity;
}

static bool pool_give(vf_pool *pool, uint8_t *data, size_t capacity) {
    bool kept = false;
    if (!pool) return false;
    pool_lock(pool);
    if (pool->count < POOL_SLOTS && pool->idle + capacity <= pool->limit) {
        pool->slots[pool->count].data = data;
        pool->slots[pool->count++].capacity = capacity;
        pool->idle += capacity;
        kept = true;
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

    uint8_t *data = NULL;
    size_t capacity = pool_take(pool, wanted, &data);
    if (!capacity) {
        capacity = wanted;
        data = system_alloc(capacity);
        if (!data) return false;
    }
    atomic_fetch_add(&live_buffers, 1);
    size_t length = buffer->length;
    if (buffer->data) {
        memcpy(data, buffer->data, length);
        vf_buffer_free(buffer, pool);
    }
    buffer->data = data;
    buffer->length = length;
    buffer->capacity = capacity;
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
