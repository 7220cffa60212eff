#include "rules_file.h"

#include <string.h>

#include "base/fsio.h"

int rules_file_load(struct rules_file *file, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');

    memset(file, 0, sizeof(*file));
    file->path = path;
    buf_init(&file->text, MAPPING_MAX_BYTES);
    if (fsio_read(path, &file->text, err) != 0 ||
        mapping_load(file->text.len > 0 ? file->text.data : "", file->text.len,
                     slash != NULL ? slash + 1 : path, &file->mapping, err) != 0) {
        buf_release(&file->text);
        return -1;
    }
    sha256_hex(file->text.data, file->text.len, file->sha256);
    return 0;
}

int rules_file_take(struct rules_file *file, const char *text, size_t len, struct err *err)
{
    memset(file, 0, sizeof(*file));
    file->path = "the mapping in Redis";
    buf_init(&file->text, MAPPING_MAX_BYTES);
    buf_add(&file->text, text, len);
    if (buf_check(&file->text, file->path, err) != 0 ||
        mapping_load(text, len, file->path, &file->mapping, err) != 0) {
        buf_release(&file->text);
        return -1;
    }
    sha256_hex(text, len, file->sha256);
    return 0;
}

void rules_file_release(struct rules_file *file)
{
    mapping_free(file->mapping);
    buf_release(&file->text);
    file->mapping = NULL;
}
