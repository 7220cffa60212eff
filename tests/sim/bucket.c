#include "bucket.h"

void bucket_init(struct bucket *bucket, int64_t requests, int64_t per_us, int64_t burst, int64_t now_us)
{
    *bucket = (struct bucket){
        .requests = requests, .per_us = per_us, .burst = burst, .level = burst * per_us, .at_us = now_us
    };
}

bool bucket_take(struct bucket *bucket, int64_t now_us, int64_t *wait_us_r)
{
    int64_t full = bucket->burst * bucket->per_us;
    int64_t passed = now_us - bucket->at_us;

    if (bucket->requests == 0)
        return true;
    if (passed > 0) {
        if (passed > (full - bucket->level) / bucket->requests)
            bucket->level = full;
        else
            bucket->level += passed * bucket->requests;
        bucket->at_us = now_us;
    }
    if (bucket->level >= bucket->per_us) {
        bucket->level -= bucket->per_us;
        return true;
    }
    *wait_us_r = (bucket->per_us - bucket->level + bucket->requests - 1) / bucket->requests;
    return false;
}
