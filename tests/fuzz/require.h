/* An invariant that does not hold ends the program, which is how a fuzzer sees it. */
#ifndef VF_FUZZ_REQUIRE_H
#define VF_FUZZ_REQUIRE_H

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition, ...)                                                                        \
    do {                                                                                               \
        if (!(condition)) {                                                                            \
            fprintf(stderr, "%s:%d: %s does not hold: ", __FILE__, __LINE__, #condition);              \
            fprintf(stderr, __VA_ARGS__);                                                              \
            fprintf(stderr, "\n");                                                                     \
            abort();                                                                                   \
        }                                                                                              \
    } while (0)

#endif
