/* Growable, 64-byte aligned buffers and the pool that they return to.
 *
 * A pool belongs to one stream: batches of a stream have the same shape, so the buffers of a batch
 * that its consumer has released serve the next one without a page fault. Pools are counted
 * references and may be used from any thread. */
#ifndef VF_BUFFER_H
#define VF_BUFFER_H

#include "common.h"

typedef struct vf_pool vf_pool;

typedef struct {
    uint8_t *data;
    size_t length;   /* bytes in use; the owner keeps it */
    size_t capacity;
} vf_buffer;

/* Memory on a cache line's boundary, or NULL; freed with vf_aligned_free. */
void *vf_aligned_alloc(size_t size);
void vf_aligned_free(void *p);

/* A new pool with one reference, or NULL without memory. It keeps at most `limit` idle bytes. */
vf_pool *vf_pool_new(size_t limit);
/* The same for the batches of a stream: it also cuts buffers from huge pages, which it keeps until it
 * is released. */
vf_pool *vf_stream_pool_new(size_t limit);
vf_pool *vf_pool_retain(vf_pool *pool);
void vf_pool_release(vf_pool *pool);

/* Make room for `extra` bytes after buffer->length plus VF_PAD bytes of slack. `pool` may be NULL.
 * Returns false without memory; the buffer is unchanged then. */
bool vf_buffer_reserve(vf_buffer *buffer, size_t extra, vf_pool *pool);
/* Give the memory back to the pool, or to the system. The buffer is empty afterwards. */
void vf_buffer_free(vf_buffer *buffer, vf_pool *pool);

/* Buffers that are held by batches or decoders now, in all pools (for leak tests). */
int64_t vf_live_buffers(void);

#endif
