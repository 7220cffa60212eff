/** redis_settings.h - the settings of the connection to Redis as the connection takes them. */
#ifndef STAGE_REDIS_SETTINGS_H
#define STAGE_REDIS_SETTINGS_H

#include "domain/settings.h"
#include "queue/redis.h"

/** password, sentinel_password: resolved, NULL: none; borrowed, like all texts of settings, as long as the
 * connection is used. name, key and timeout_ms are the caller's to set. */
struct redis_settings redis_settings_of(const struct settings *settings, const char *password,
                                        const char *sentinel_password);

#endif
