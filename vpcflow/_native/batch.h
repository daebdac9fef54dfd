/* A finished batch: one Arrow struct array with its schema, shared by counted references.
 *
 * Every export holds a reference of its own, in each of its arrays: consumers may move children out
 * and release them in any order, from any thread. The buffers go back to their pool, and the owner of
 * text that views point into is let go, with the last reference. */
#ifndef VF_BATCH_H
#define VF_BATCH_H

#include "arrow_abi.h"
#include "decoder.h"

typedef struct vf_batch vf_batch;

/* Text that views point into. `release` is called once, with `owner`, from any thread. */
typedef struct {
    const uint8_t *text;
    uint64_t length;
    void *owner;
    void (*release)(void *owner);
} vf_source;

/* Move what the decoder has built into a new batch (one reference); the decoder must be reset before
 * it is fed again. `source` may be NULL; it is taken over on success only. NULL without memory. */
vf_batch *vf_batch_take(vf_decoder *decoder, const vf_source *source);
/* A batch around arrays of somebody else. Takes over both (their release is NULL afterwards) on
 * success only. The array must be a struct array. NULL without memory. */
vf_batch *vf_batch_import(struct ArrowSchema *schema, struct ArrowArray *array);

vf_batch *vf_batch_retain(vf_batch *batch);
void vf_batch_release(vf_batch *batch);

const struct ArrowSchema *vf_batch_schema(const vf_batch *batch);
const struct ArrowArray *vf_batch_array(const vf_batch *batch);

/* Bytes in use of the buffers that the batch owns; 0 for an imported one. */
uint64_t vf_batch_size(const vf_batch *batch);

/* Fill *out; the caller releases it. False without memory (*out is released then). */
bool vf_batch_export(vf_batch *batch, struct ArrowArray *out);
bool vf_schema_copy(const struct ArrowSchema *schema, struct ArrowSchema *out);
/* The schema of the batches that a plan makes. */
bool vf_plan_schema(const vf_plan *plan, struct ArrowSchema *out);

/* Arrays exported and not yet released (children are not counted). */
int64_t vf_live_exports(void);

#endif
