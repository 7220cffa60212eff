/* Retention (runs.keep): audit's workers let go, between two messages, of what is not kept any more. */
#include "base/clock.h"
#include "base/log.h"
#include "queue/trim.h"
#include "stage/worker.h"

#define EVERY_MIN_MS 100
#define EVERY_MAX_MS 10000
#define CALLS_MOST   10     /* one after the other: each is short, and others come in between */
#define AGAIN_MS     600000 /* after an error: retention is never urgent */
#define POOL_BYTES   (64 * 1024)

static int64_t every_ms(const struct worker *worker)
{
    int64_t every = worker->settings->runs_keep_ms / 10;

    return every < EVERY_MIN_MS ? EVERY_MIN_MS : every > EVERY_MAX_MS ? EVERY_MAX_MS : every;
}

static int trim(struct worker *worker, bool *has_more_r, struct err *err)
{
    struct pool *pool = pool_new(POOL_BYTES);
    struct trimmed trimmed = { 0 };
    int rc;

    if (pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    rc = trim_run(worker->redis, &worker->keys, worker->settings->runs_keep_ms, every_ms(worker), pool,
                  &trimmed, err);
    for (size_t i = 0; rc == 0 && i < trimmed.count; i++) {
        log_info("run_trimmed", "run", trimmed.runs[i], NULL);
        if (worker->stage->forget != NULL)
            worker->stage->forget(worker->state, trimmed.runs[i]);
    }
    *has_more_r = trimmed.has_more;
    pool_free(pool);
    return rc;
}

int worker_tend(struct worker *worker, struct err *err)
{
    int64_t now = clock_boot_ms();
    struct err why = ERR_INIT;
    bool has_more = true;
    int rc = 0;

    if (!worker_is_audit(worker) || now < worker->tend_boot_ms)
        return 0;
    for (int i = 0; rc == 0 && has_more && i < CALLS_MOST; i++)
        rc = trim(worker, &has_more, &why);
    if (rc == 0) {
        worker->tend_boot_ms = has_more ? now : now + every_ms(worker);
        return 0;
    }
    worker->tend_boot_ms = now + AGAIN_MS;
    if (why.code == ERR_REDIS_LOST) {
        worker->tend_boot_ms = now;
        *err = why;
        return -1;
    }
    log_err(LOG_LEVEL_WARN, "trim_failed", &why, NULL); /* it holds up nobody's work */
    return 0;
}
