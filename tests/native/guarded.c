#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "guarded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

vf_guarded guarded_new(size_t length) {
    const size_t page = page_size();
    const size_t room = (length + page) / page * page;
    uint8_t *raw = mmap(NULL, room + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED || mprotect(raw, page, PROT_NONE) != 0 ||
        mprotect(raw + page + room, page, PROT_NONE) != 0) {
        perror("guarded memory");
        exit(2);
    }
    return (vf_guarded){.memory = raw + page, .room = room};
}

void guarded_free(vf_guarded *guarded) {
    munmap(guarded->memory - page_size(), guarded->room + 2 * page_size());
}

const uint8_t *guarded_place(vf_guarded *guarded, const uint8_t *text, size_t length, bool at_end) {
    uint8_t *to = at_end ? guarded->memory + guarded->room - length : guarded->memory;
    memset(guarded->memory, '#', guarded->room); /* a view that points to an old chunk shows */
    memcpy(to, text, length);
    return to;
}
