/* Lines to columns: the state machine that is fed text and builds one batch after another.
 *
 * A decoder serves one source, one thread at a time. Text goes through it in pieces:
 *     frame.c    separators -> rows: every line has the plan's number of fields, or is set aside
 *     group.c    rows -> filters -> integers and dictionaries (they may refuse a line) -> text
 * A piece counts wholly or not at all: when a dictionary is full the piece is undone, and the batch
 * ends before it. */
#ifndef VF_DECODER_H
#define VF_DECODER_H

#include "kernel.h"
#include "plan.h"

typedef struct {
    uint64_t lines, records, filtered, rejected, blank, header, nodata, skipdata;
    uint64_t reasons[VF_REASONS];
} vf_counts;

typedef struct {
    uint64_t line;   /* 1 is the first of the source */
    uint64_t offset; /* of the line, in the text of the source */
    vf_reason reason;
    int32_t field;   /* position in the line, or -1 */
    uint32_t length;
    uint8_t *text;   /* the first VF_MAX_REJECT_TEXT bytes of the line */
} vf_reject;

/* A column of the batch that is being built. */
typedef struct {
    vf_buffer data;     /* values, indices, views; VF_UTF8: offsets, one more than rows */
    vf_buffer own;      /* VF_UTF8: all text; VF_VIEW: long text copied out of the source */
    vf_buffer validity; /* bits; written once a null has been seen */
    int64_t nulls;
    vf_dictionary dictionary; /* VF_DICTIONARY, and percent-encoded text of any type */
    struct {
        size_t data, own;
        int64_t nulls;
    } saved; /* at the start of the piece */
} vf_builder;

/* A line of the piece that is no record; positions are relative to the piece. */
#define VF_BLANK_LINE VF_REASONS
#define VF_HEADER_LINE (VF_REASONS + 1)
typedef struct {
    uint32_t line, start;
    int32_t field;
    int what; /* a vf_reason, or one of the two above */
} vf_pending;

/* The rows of a piece, as frame.c leaves them. */
typedef struct {
    const uint8_t *original; /* the piece as it stands in the source */
    size_t length;
    const uint8_t *text;     /* what positions refer to: original, or a normalised copy */
    const uint32_t *ends;
    uint32_t stride, count;
    const uint32_t *lines, *starts; /* of each row, in the original; NULL: rows are the lines */
    uint32_t line_count;     /* lines framed, rows or not */
    size_t consumed;         /* bytes of the original that the lines take */
    bool copied;             /* text is not the source's: views must copy */
    bool high;               /* there are bytes above 0x7F */
    bool foreign_header;     /* framing ended before a header with other fields */
} vf_frame;

typedef struct vf_decoder {
    vf_plan *plan;
    const vf_kernel *kernel;
    vf_pool *pool; /* may be NULL */
    bool bounded;  /* batches end at max_rows or at a full dictionary */
    bool keep_rejects;
    uint64_t max_rows;

    /* the source */
    uint64_t offset, line; /* of the first byte not yet taken; line counts from 1 */
    uint32_t mark;         /* bytes of a byte-order mark seen at the start; 3 once that is settled */
    vf_buffer carry;       /* VF_PAD bytes, then the begun line, or the head of one too long */
    uint64_t carried;      /* its length; above VF_MAX_LINE only the head is kept */

    /* the batch */
    vf_builder *builders; /* one a column of the plan */
    uint64_t rows, row_hint;
    vf_counts counts;
    vf_reject *rejects;
    size_t reject_count, reject_room;

    /* scratch */
    vf_buffer ends;   /* VF_PAD, then uint32 positions */
    vf_buffer fitting; /* positions of the rows of a frame, when they are not those of `ends` */
    vf_buffer lines;   /* line numbers, then starts, of those rows */
    vf_buffer kept;    /* positions of the rows of a group that stay */
    vf_buffer edge;    /* VF_PAD, then a padded copy of a piece at the edge of its buffer */
    vf_buffer normal;  /* VF_PAD, then lines rewritten to the plain form */
    vf_pending *pending;
    size_t pending_count, pending_room;
    uint8_t *valid; /* VF_VALID_BYTES a column, and once more for filters */
    uint32_t undecided[VF_GROUP + 8];
    uint32_t chosen[VF_GROUP];
    int32_t bad_field[VF_GROUP];
    uint8_t bad_reason[VF_GROUP];
    uint8_t pass[VF_GROUP];
    int64_t values[VF_GROUP + 8];
    int32_t indices[VF_GROUP + 8];
} vf_decoder;

#define VF_VALID_BYTES (VF_GROUP / 8 + 8)

/* NULL without memory. Takes references to plan and pool. `bounded` and `max_rows`: when batches end;
 * `keep_rejects`: collect rejected lines besides counting them. */
vf_decoder *vf_decoder_new(vf_plan *plan, const vf_kernel *kernel, vf_pool *pool, uint64_t secret,
                           bool bounded, uint64_t max_rows, bool keep_rejects);
void vf_decoder_free(vf_decoder *decoder);

/* Take text[0, length) as what follows in the source. *consumed says how much was taken: all with
 * VF_OK. After VF_FULL take the batch and feed the rest; after VF_HEADER the rest begins with a header
 * of another format, which another decoder must read. `direct`: long views point into the caller's
 * buffer, in which `text` begins at `base`. */
vf_status vf_decoder_feed(vf_decoder *decoder, const uint8_t *text, size_t length, bool direct,
                          uint64_t base, size_t *consumed);
/* The source has ended. A line begun and not ended counts, unless the source is damaged.
 * VF_FULL: take the batch and call again. */
vf_status vf_decoder_finish(vf_decoder *decoder, bool damaged);
/* After the batch was taken: begin the next. False without memory. */
bool vf_decoder_reset(vf_decoder *decoder);

/* ---- between the decoder's files ---- */

/* Frame a piece: whole lines, padded on both sides. */
vf_status vf_frame_piece(vf_decoder *decoder, const uint8_t *text, size_t length, vf_frame *frame);
/* Decode the rows of a frame into the builders. *target: where direct views point. Sets
 * frame->foreign_header, and cuts count, line_count and consumed, when it meets one. */
vf_status vf_decode_rows(vf_decoder *decoder, vf_frame *frame, const vf_view_target *target);
/* Note a line that cannot be read. Headers are told apart here: VF_HEADER for one with other fields. */
vf_status vf_refuse(vf_decoder *decoder, const vf_frame *frame, uint32_t line, uint32_t start,
                    vf_reason reason, int32_t field);
vf_status vf_note(vf_decoder *decoder, uint32_t line, uint32_t start, int what, int32_t field);

/* The frame ends before the line of the given number and start. */
VF_INLINE void vf_cut_frame(vf_frame *frame, uint32_t line, uint32_t start) {
    frame->foreign_header = true;
    frame->line_count = line;
    frame->consumed = start;
}

VF_INLINE uint32_t *vf_ends(vf_decoder *decoder) {
    return (uint32_t *)(void *)(decoder->ends.data + VF_PAD);
}

#endif
