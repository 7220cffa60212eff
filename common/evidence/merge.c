#include "evidence/merge.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evidence/lines.h"
#include "evidence/spool.h"

/* One sorted file to be read: a part, or what an earlier pass made of several. */
struct source {
    const char *folder, *name; /* there may be very many: a path is put together when it is wanted */
    const char *sha256;        /* NULL: made by this process just now, not checked again */
    int64_t count;
};

/* A source being read, with its present line. */
struct stream {
    const struct source *source;
    struct lines lines;
    const char *line;
    size_t len;
    struct record_head head;
};

/* Where a pass puts its lines. */
struct output {
    int (*add)(struct output *output, const struct record_head *head, const char *line, size_t len,
               struct err *err);
    FILE *file; /* a middle pass */
    int64_t count;
    struct record_files *files; /* the last one */
    char *held;                 /* the last one: the newest line of a device, until the next device begins */
    size_t held_len, held_room;
    struct record_head held_head;
};

static int refuse(const struct source *source, struct err *err, const char *why)
{
    return err_set(err, ERR_PARTS, 0, "part %s: %s", source->name, why);
}

static int end_stream(struct stream *stream, struct err *err)
{
    const struct source *source = stream->source;
    char hex[SHA256_HEX];

    if (stream->lines.count != source->count)
        return err_set(err, ERR_PARTS, 0, "part %s: %" PRId64 " records, listed with %" PRId64, source->name,
                       stream->lines.count, source->count);
    lines_sha256(&stream->lines, hex);
    if (source->sha256 != NULL && strcmp(hex, source->sha256) != 0)
        return refuse(source, err, "its bytes are not those that were listed");
    return 0;
}

/* 1: stream holds its next line; 0: it is through, and was what it should be; -1 err. */
static int advance(struct stream *stream, bool is_first, struct err *err)
{
    int64_t row = stream->head.row;
    int rc = lines_next(&stream->lines, &stream->line, &stream->len, err);

    if (rc == 0)
        return end_stream(stream, err);
    if (rc < 0) {
        if (err->code == ERR_EVIDENCE)
            err->code = ERR_PARTS;
        return err_prefix(err, "part %s", stream->source->name);
    }
    if (!record_read_head(stream->line, stream->len, &stream->head))
        return refuse(stream->source, err, "a line of it is no record");
    if (!is_first && stream->head.row < row)
        return refuse(stream->source, err, "its records are not in the order of their rows");
    return 1;
}

/* heap[0] is the least by record_compare. */
static void sift_down(struct stream **heap, size_t count, size_t at)
{
    for (;;) {
        size_t least = at;

        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            if (record_compare(&heap[child]->head, &heap[least]->head) < 0)
                least = child;
        if (least == at)
            return;
        struct stream *swap = heap[at];

        heap[at] = heap[least];
        heap[least] = swap;
        at = least;
    }
}

static const char *path_of(const struct source *source, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", source->folder, source->name);
    return path;
}

static int open_stream(struct stream *stream, const struct source *source, struct err *err)
{
    char path[PATH_MAX];

    stream->source = source;
    if (lines_open(&stream->lines, path_of(source, path), err) != 0) {
        if (err->code == ERR_FILE_MISSING)
            err->code = ERR_PARTS;
        else if (err->code != ERR_NOMEM)
            err->code = ERR_SPOOL;
        return err_prefix(err, "part %s", source->name);
    }
    return advance(stream, true, err);
}

static int run_heap(struct stream **heap, size_t count, struct output *output, struct err *err)
{
    for (size_t i = count / 2; i-- > 0;)
        sift_down(heap, count, i);
    while (count > 0) {
        struct stream *least = heap[0];
        int rc;

        if (output->add(output, &least->head, least->line, least->len, err) != 0)
            return -1;
        rc = advance(least, false, err);
        if (rc < 0)
            return -1;
        if (rc == 0) {
            lines_close(&least->lines);
            heap[0] = heap[--count];
        }
        sift_down(heap, count, 0);
    }
    return 0;
}

static int merge_some(const struct source *sources, size_t count, struct output *output, struct err *err)
{
    struct stream *streams = calloc(count + 1, sizeof(*streams));
    struct stream **heap = calloc(count + 1, sizeof(struct stream *));
    size_t alive = 0;
    int rc = -1;

    if (streams == NULL || heap == NULL) {
        err_set(err, ERR_NOMEM, 0, "no memory to merge %zu parts", count);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        int got = open_stream(&streams[i], &sources[i], err);

        if (got < 0)
            goto out;
        if (got > 0)
            heap[alive++] = &streams[i];
    }
    rc = run_heap(heap, alive, output, err);
out:
    for (size_t i = 0; streams != NULL && i < count; i++)
        lines_close(&streams[i].lines);
    free(streams);
    free(heap);
    return rc;
}

static int add_to_file(struct output *output, const struct record_head *head, const char *line, size_t len,
                       struct err *err)
{
    (void)head;
    if (fwrite(line, 1, len, output->file) != len || putc_unlocked('\n', output->file) == EOF)
        return err_set(err, ERR_SPOOL, errno, "cannot write what was merged");
    output->count++;
    return 0;
}

/* Merges sources[count] into the file that *made names, and counts its lines there. */
static int merge_to_file(const struct source *sources, size_t count, struct source *made, struct err *err)
{
    char path[PATH_MAX];
    struct output output = { .add = add_to_file, .file = fopen(path_of(made, path), "wxe") };
    int rc;

    if (output.file == NULL)
        return err_set(err, ERR_SPOOL, errno, "cannot write %s", path);
    rc = merge_some(sources, count, &output, err);
    if (fclose(output.file) != 0 && rc == 0)
        rc = err_set(err, ERR_SPOOL, errno, "cannot write %s", path);
    made->count = output.count;
    return rc;
}

/* One pass: groups of fan_in become one source each, in place. The files of an earlier pass are removed. */
static int pass(struct source *sources, size_t *count, size_t fan_in, int level, const char *work,
                struct pool *pool, struct err *err)
{
    size_t made = 0;

    for (size_t from = 0; from < *count; from += fan_in, made++) {
        size_t some = *count - from < fan_in ? *count - from : fan_in;
        struct source merged = { .folder = work, .name = pool_printf(pool, "pass-%d-%zu", level, made) };
        char path[PATH_MAX];

        if (merged.name == NULL)
            return pool_failed(pool, err);
        if (merge_to_file(&sources[from], some, &merged, err) != 0)
            return -1;
        for (size_t i = from; level > 0 && i < from + some; i++)
            (void)unlink(path_of(&sources[i], path));
        sources[made] = merged; /* made <= from: what is overwritten is merged already */
    }
    *count = made;
    return 0;
}

static int flush_held(struct output *output, struct err *err)
{
    if (output->held_len == 0)
        return 0;
    return record_files_add(output->files, &output->held_head, output->held, output->held_len, err);
}

static int add_to_records(struct output *output, const struct record_head *head, const char *line, size_t len,
                          struct err *err)
{
    bool is_same = output->held_len > 0 && record_is_same_device(head, &output->held_head);

    if (is_same && head->seq == output->held_head.seq)
        return err_set(err, ERR_PARTS, 0, "row %" PRId64 " has two records with seq %" PRId64, head->row,
                       head->seq);
    if (!is_same && flush_held(output, err) != 0)
        return -1;
    if (len > output->held_room) {
        char *bigger = realloc(output->held, len);

        if (bigger == NULL)
            return err_set(err, ERR_NOMEM, 0, "no memory for a record");
        output->held = bigger;
        output->held_room = len;
    }
    memcpy(output->held, line, len);
    output->held_len = len;
    output->held_head = *head;
    output->held_head.serial = output->held + (head->serial - line);
    return 0;
}

static int list_sources(const struct merge_input *input, struct pool *pool, struct source **sources_r,
                        struct err *err)
{
    struct source *sources = pool_array(pool, input->count, sizeof(*sources));

    if (sources == NULL)
        return pool_failed(pool, err);
    for (size_t i = 0; i < input->count; i++) {
        const struct run_part *part = &input->parts[i];

        if (!spool_name_is_safe(part->name) || !sha256_is_hex(part->sha256))
            return err_set(err, ERR_PARTS, 0, "the run book lists a part that cannot be one");
        sources[i] = (struct source){
            .folder = input->folder, .name = part->name, .sha256 = part->sha256, .count = part->count
        };
    }
    *sources_r = sources;
    return 0;
}

int merge_parts(const struct merge_input *input, struct pool *pool, struct record_set *set_r, struct err *err)
{
    size_t count = input->count, fan_in = input->fan_in > 1 ? input->fan_in : MERGE_FAN_IN;
    struct record_files files;
    struct output output = { .add = add_to_records, .files = &files };
    struct source *sources = NULL;
    int rc = -1;

    if (list_sources(input, pool, &sources, err) != 0)
        return -1;
    for (int level = 0; count > fan_in; level++)
        if (pass(sources, &count, fan_in, level, input->work, pool, err) != 0)
            return -1;
    record_files_init(&files, input->work, input->first_number,
                      input->lines_max > 0 ? input->lines_max : MANIFEST_FILE_RECORDS, pool);
    if (merge_some(sources, count, &output, err) == 0 && flush_held(&output, err) == 0)
        rc = record_files_end(&files, set_r, err);
    for (size_t i = 0; input->count > fan_in && i < count; i++) {
        char path[PATH_MAX];

        (void)unlink(path_of(&sources[i], path));
    }
    record_files_release(&files);
    free(output.held);
    return rc;
}
