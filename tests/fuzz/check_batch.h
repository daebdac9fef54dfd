/* Whether a batch is what the Arrow specification and its plan say. */
#ifndef VF_FUZZ_CHECK_BATCH_H
#define VF_FUZZ_CHECK_BATCH_H

#include "batch.h"

/* Looks at every buffer, value by value; aborts, saying why, at the first that is wrong. */
void check_batch(const vf_batch *batch, const vf_plan *plan, uint64_t rows);

/* Export the batch, release it (the reference is taken over), and see that its first column outlives all
 * the rest. */
void check_export(vf_batch *batch, const vf_plan *plan);

#endif
