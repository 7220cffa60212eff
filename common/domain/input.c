/* Which format a file has, its bytes in pieces, and the reading of the whole. */
#include "domain/input.h"

#include <string.h>
#include <strings.h>

#include "domain/input_inside.h"

int input_format_of(const char *path, enum input_format *format_r, struct err *err)
{
    static const struct {
        const char *suffix;
        enum input_format format;
    } formats[] = {
        { ".csv", INPUT_CSV },     { ".yaml", INPUT_YAML },    { ".yml", INPUT_YAML },
        { ".jsonl", INPUT_JSONL }, { ".ndjson", INPUT_JSONL },
    };
    size_t len = strlen(path);

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        size_t suffix_len = strlen(formats[i].suffix);

        if (len > suffix_len && strcasecmp(path + len - suffix_len, formats[i].suffix) == 0) {
            *format_r = formats[i].format;
            return 0;
        }
    }
    return err_set(err, ERR_INPUT_FORMAT, 0,
                   "%s: wanted a name that ends in .csv, .yaml, .yml, .jsonl or .ndjson", path);
}

/* --- bytes --- */

static int fill(struct input_bytes *bytes, struct err *err)
{
    size_t got = 0;

    bytes->at = 0;
    bytes->filled = 0;
    /* The mark at the beginning needs three bytes at once. */
    do {
        if (bytes->source->read(bytes->source->ctx, bytes->chunk + bytes->filled, INPUT_CHUNK - bytes->filled,
                                &got, err) != 0)
            return -1;
        bytes->filled += got;
    } while (got > 0 && !bytes->is_started && bytes->filled < 3);
    return 0;
}

static int start(struct input_bytes *bytes, struct err *err)
{
    if (fill(bytes, err) != 0)
        return -1;
    bytes->is_started = true;
    bytes->line = 1;
    if (bytes->filled >= 3 && memcmp(bytes->chunk, "\xef\xbb\xbf", 3) == 0)
        bytes->at = 3;
    if (bytes->filled >= 2 &&
        (memcmp(bytes->chunk, "\xff\xfe", 2) == 0 || memcmp(bytes->chunk, "\xfe\xff", 2) == 0))
        return err_set(err, ERR_ENCODING, 0, "%s: line 1: the file is UTF-16, wanted UTF-8",
                       bytes->source->name);
    return 0;
}

int input_piece(struct input_bytes *bytes, const char **piece_r, size_t *len_r, struct err *err)
{
    const char *piece, *newline, *nul;
    size_t len;

    if (!bytes->is_started && start(bytes, err) != 0)
        return -1;
    if (bytes->at == bytes->filled && fill(bytes, err) != 0)
        return -1;
    if (bytes->at == bytes->filled)
        return 0;
    if (bytes->is_line_over)
        bytes->line++;
    piece = bytes->chunk + bytes->at;
    newline = memchr(piece, '\n', bytes->filled - bytes->at);
    len = newline != NULL ? (size_t)(newline - piece) + 1 : bytes->filled - bytes->at;
    nul = memchr(piece, '\0', len);
    if (nul == piece)
        return err_set(err, ERR_ENCODING, 0, "%s: line %zu: a NUL byte", bytes->source->name, bytes->line);
    /* What stands before a NUL is read first, so that the first fault of a file is the one that is told. */
    if (nul != NULL)
        len = (size_t)(nul - piece);
    bytes->is_line_over = newline != NULL && nul == NULL;
    bytes->at += len;
    *piece_r = piece;
    *len_r = len;
    return 1;
}

/* --- the whole --- */

static int read_all(enum input_format format, const struct input_source *source,
                    struct input_builder *builder, struct err *err)
{
    switch (format) {
    case INPUT_CSV: return input_csv(source, builder, err);
    case INPUT_YAML: return input_yaml(source, builder, err);
    case INPUT_JSONL: return input_jsonl(source, builder, err);
    }
    return err_set(err, ERR_BUG, 0, "input format %d", (int)format);
}

int input_read(enum input_format format, const struct input_source *source, const struct input_sink *sink,
               struct err *err)
{
    struct input_builder builder;
    int rc;

    if (input_builder_init(&builder, sink, err) != 0)
        return -1;
    rc = read_all(format, source, &builder, err);
    if (rc == 0 && builder.count == 0)
        rc = err_set(err, ERR_INPUT_EMPTY, 0, "%s: the file is empty: it has no devices", source->name);
    input_builder_release(&builder);
    return rc;
}
