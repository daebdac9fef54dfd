/* The plans that the fuzzer decodes with: which fields a line has, and what is asked of them. */
#ifndef VF_FUZZ_PLANS_H
#define VF_FUZZ_PLANS_H

#include "plan.h"

extern const size_t plan_count;

/* What the plan is called: tests/make_corpus.py lists the same names in the same order. */
const char *plan_name(size_t number);
vf_plan *make_plan(size_t number);

#endif
