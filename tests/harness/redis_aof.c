/* The append-only file of a test's Redis: what a loss of power leaves of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/redis_server.h"

/* The part of the append-only file that grows; a test's is never rewritten. */
static void aof_path(const struct redis_server *server, char path[192])
{
    snprintf(path, 192, "%s/appendonlydir/appendonly.aof.1.incr.aof", server->dir);
}

int64_t redis_server_aof_bytes(const struct redis_server *server)
{
    char path[192];
    struct stat st;

    aof_path(server, path);
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

/* One line of the form MARK NUMBER; -1 at the end, or where it is cut. */
static long read_mark(FILE *in, char mark)
{
    char line[64];
    size_t len;

    if (fgets(line, sizeof(line), in) == NULL)
        return -1;
    len = strlen(line);
    return line[0] == mark && len > 2 && line[len - 1] == '\n' ? strtol(line + 1, NULL, 10) : -1;
}

/* Reads one command; its first word into word. False at the end, or where it is cut. */
static bool read_command(FILE *in, int64_t bytes, char word[8])
{
    long count = read_mark(in, '*');

    word[0] = '\0';
    for (long i = 0; i < count; i++) {
        long len = read_mark(in, '$');

        if (len < 0)
            return false;
        if (i == 0 && len < 8) {
            if (fread(word, 1, (size_t)len, in) != (size_t)len || fseek(in, 2, SEEK_CUR) != 0)
                return false;
            word[len] = '\0';
        } else if (fseek(in, len + 2, SEEK_CUR) != 0) {
            return false;
        }
    }
    return count > 0 && ftell(in) <= bytes;
}

/*
 * The file up to its last whole transaction, as redis-check-aof --fix leaves it. The server itself would keep
 * the first half of a transaction in the file, and apply it at the start after the next (config/redis.conf).
 */
int redis_server_cut_torn_tail(const struct redis_server *server, struct err *err)
{
    int64_t bytes = redis_server_aof_bytes(server), whole = 0;
    char path[192], word[8];
    bool is_inside = false;
    FILE *in;

    aof_path(server, path);
    in = bytes > 0 ? fopen(path, "r") : NULL;
    if (in == NULL)
        return 0; /* none yet */
    while (read_command(in, bytes, word)) {
        if (strcasecmp(word, "MULTI") == 0)
            is_inside = true;
        else if (strcasecmp(word, "EXEC") == 0)
            is_inside = false;
        if (!is_inside)
            whole = ftell(in);
    }
    fclose(in);
    if (whole < bytes && truncate(path, (off_t)whole) != 0)
        return err_set(err, ERR_IO, errno, "cutting %s", path);
    return 0;
}

int redis_server_lose(struct redis_server *server, int64_t aof_bytes, struct err *err)
{
    char path[192];

    redis_server_kill(server);
    aof_path(server, path);
    if (aof_bytes < 0 || truncate(path, (off_t)aof_bytes) != 0)
        return err_set(err, ERR_IO, errno, "cutting %s", path);
    return redis_server_restart(server, err);
}
