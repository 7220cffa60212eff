#include "propagation.h"

#include <stdio.h>

#include "base/backoff.h"
#include "base/str.h"

#define WORD_MAX 20 /* digits of the shared word */

int propagation_refresh(struct propagation *propagation, struct cache *cache, int64_t now_ms, struct err *err)
{
    struct buf word;
    int64_t age_ms, learned_ms;
    int rc;

    if (propagation->read_ms != 0 && now_ms - propagation->read_ms < PROPAGATION_SHARE_MS)
        return 0;
    buf_init(&word, WORD_MAX);
    rc = cache_get(cache, PROPAGATION_CACHE, &word, &age_ms, err);
    if (rc == 1 && str_to_int(word.data, 0, PROPAGATION_MAX_MS, &learned_ms))
        propagation->learned_ms = learned_ms;
    buf_release(&word);
    if (rc < 0)
        return -1;
    propagation->read_ms = now_ms;
    return 0;
}

int64_t propagation_learn(int64_t learned_ms, const struct propagation_sample *sample)
{
    int64_t taught_ms;

    if (sample->later_ms >= 0)
        taught_ms = sample->later_ms;
    else if (sample->first_ms >= 0)
        taught_ms = (sample->first_ms < learned_ms ? sample->first_ms : learned_ms) * 9 / 10;
    else
        return learned_ms;
    if (taught_ms > PROPAGATION_MAX_MS)
        taught_ms = PROPAGATION_MAX_MS;
    if (learned_ms == 0)
        return taught_ms;
    return learned_ms + (taught_ms - learned_ms) / 4;
}

void propagation_share(struct propagation *propagation, struct cache *cache,
                       const struct propagation_sample *sample, int64_t now_ms)
{
    int64_t learned_ms = propagation_learn(propagation->learned_ms, sample);
    struct err ignored = ERR_INIT;
    char word[WORD_MAX + 1];
    int len;

    if (learned_ms == propagation->learned_ms)
        return;
    propagation->learned_ms = learned_ms;
    if (propagation->written_ms != 0 && now_ms - propagation->written_ms < PROPAGATION_SHARE_MS)
        return;
    propagation->written_ms = now_ms;
    len = snprintf(word, sizeof(word), "%lld", (long long)learned_ms);
    if (cache_set(cache, PROPAGATION_CACHE, word, (size_t)len, PROPAGATION_TTL_MS, &ignored) == 0)
        propagation->read_ms = now_ms;
}

int64_t propagation_delay_ms(int64_t learned_ms, int64_t age_ms)
{
    int64_t rest_ms = learned_ms - age_ms;
    int64_t below_ms = 0, above_ms = backoff_grid_ms(1);

    if (rest_ms > PROPAGATION_MAX_MS)
        rest_ms = PROPAGATION_MAX_MS;
    while (above_ms < rest_ms) {
        below_ms = above_ms;
        above_ms = backoff_grid_ms(above_ms + 1);
    }
    return rest_ms - below_ms < above_ms - rest_ms ? below_ms : above_ms;
}
