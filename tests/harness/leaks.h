/**
 * leaks.h - looks for secrets where they must not be: files, every key of a Redis, the command lines and
 * environments of processes. A test that finds one fails, naming which and where, never showing it.
 */
#ifndef HARNESS_LEAKS_H
#define HARNESS_LEAKS_H

#include <sys/types.h>

#include "harness/desk.h"

#define LEAKS_MAX 1200

struct leaks {
    struct {
        char what[64];
        char *text;
    } at[LEAKS_MAX];
    size_t count;
    const char *canary; /* no secret, but surely there: what shows that a search could have found one; NULL */
    size_t canaries;    /* pieces that held it so far */
};

/** A secret: as a whole, and (of 48 bytes or more) each third of it, so that a part that was cut off is
 * found. */
void leaks_add(struct leaks *leaks, const char *what, const char *text);
/** Every line of a file of 16 bytes or more (a key in PEM). */
void leaks_add_lines(struct leaks *leaks, const char *what, const char *path);
/** Every token that the simulator's issuer made. Returns how many. */
struct abmsim;
size_t leaks_add_tokens(struct leaks *leaks, const struct abmsim *sim);
void leaks_release(struct leaks *leaks);

void leaks_check(struct leaks *leaks, const char *where, const char *data, size_t len);
/** Every key, by DUMP without compression, and its name. Returns how many. */
size_t leaks_check_redis(struct leaks *leaks, struct desk *desk);
/** Every file below it, but those whose names are listed (the secrets' own); ends with NULL. Returns how
 * many. */
size_t leaks_check_folder(struct leaks *leaks, const char *path, const char *const *but);
/** The command line and environment of a process and all its descendants. Returns how many processes. */
size_t leaks_check_process(struct leaks *leaks, pid_t pid);

#endif
