/*
 * The main of a fuzz target that is built without an engine: each file of the folders (or each file) named is
 * one input. A finding ends the process, as it would under the engine; no input at all is a failure too.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    uint8_t *data = NULL;
    struct stat st;
    FILE *file = fopen(path, "rb");
    int rc = -1;

    if (file == NULL || fstat(fileno(file), &st) != 0)
        goto out;
    /* Exactly as large as the input, so that a sanitizer sees the first byte read beyond it. */
    data = malloc(st.st_size > 0 ? (size_t)st.st_size : 1);
    if (data == NULL || fread(data, 1, (size_t)st.st_size, file) != (size_t)st.st_size)
        goto out;
    fprintf(stderr, "%s\n", path);
    (void)LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
    rc = 0;
out:
    if (rc != 0)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    free(data);
    if (file != NULL)
        fclose(file);
    return rc;
}

/* The number of inputs run; -1 where one could not be read. */
static long run_path(const char *path)
{
    struct dirent **entries;
    long ran = 0;
    int count = scandir(path, &entries, NULL, alphasort);

    if (count < 0)
        return run_file(path) == 0 ? 1 : -1;
    for (int i = 0; i < count; i++) {
        char *name = NULL;

        if (entries[i]->d_name[0] != '.' && ran >= 0) {
            if (asprintf(&name, "%s/%s", path, entries[i]->d_name) < 0 || run_file(name) != 0)
                ran = -1;
            else
                ran++;
            free(name);
        }
        free(entries[i]);
    }
    free(entries);
    return ran;
}

int main(int argc, char **argv)
{
    long ran = 0;

    for (int i = 1; i < argc; i++) {
        long more = run_path(argv[i]);

        if (more < 0)
            return EXIT_FAILURE;
        ran += more;
    }
    if (ran == 0) {
        fprintf(stderr, "no input: name a folder that holds a corpus\n");
        return EXIT_FAILURE;
    }
    printf("%ld inputs\n", ran);
    return EXIT_SUCCESS;
}
