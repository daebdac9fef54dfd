/* Run files through the fuzzer's checks, with any compiler:
 *
 *   replay FILE...    ends with an abort, or a sanitizer's report, at the first that fails; the name of
 *                     each is printed before it runs
 *   replay --plans    the names of the plans, in order */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plans.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    fseek(file, 0, SEEK_END);
    const size_t size = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, file) != size) {
        perror(path);
        exit(2);
    }
    fclose(file);
    printf("%s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--plans") == 0) {
        for (size_t i = 0; i < plan_count; i++) printf("%s\n", plan_name(i));
        return 0;
    }
    for (int i = 1; i < argc; i++) run(argv[i]);
    return 0;
}
