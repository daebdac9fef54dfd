/* Rows as text: JSON lines and CSV. */
#ifndef VF_RENDER_H
#define VF_RENDER_H

#include "batch.h"
#include "reader.h"

typedef struct vf_renderer vf_renderer;

typedef enum { VF_JSONL, VF_CSV } vf_render_format;

/* A renderer for the columns of the batch, or NULL: without memory, or when *unsupported is set to the
 * index of a column whose type has no text form. The batch must outlive it. */
vf_renderer *vf_renderer_new(const vf_batch *batch, vf_render_format format, int64_t *unsupported);
void vf_renderer_free(vf_renderer *renderer);

/* Append the CSV header line, or rows [first, first + count), to `out`. False without memory. */
bool vf_render_header(const vf_renderer *renderer, vf_buffer *out);
bool vf_render_rows(const vf_renderer *renderer, int64_t first, int64_t count, vf_buffer *out);

#endif
