/**
 * clock.h - the three times of the pipeline. Rules take times as arguments; only the edges read a clock.
 *
 *   real time   Unix milliseconds, UTC: for people, headers and evidence. May step.
 *   boot time   milliseconds since boot, CLOCK_BOOTTIME: for ages and time-outs here. Never steps, counts
 * suspend. Redis time  the one clock that all workers share (queue/redis.h): for leases, delays and limits.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_ISO_BYTES 32

int64_t clock_real_ms(void);
int64_t clock_boot_ms(void);

/** ISO 8601, UTC, "2026-11-24T08:17:00.123Z", into text[CLOCK_ISO_BYTES]. Returns text. */
char *clock_iso(int64_t unix_ms, char *text);

/** Reads RFC 3339 ("2026-11-24T08:17:00Z", fractions and offsets too). 0 and *unix_ms_r, or -1 where it is
 * none, or (by its offset) not within the years 0 to 9999 of UTC. */
int clock_parse_iso(const char *text, int64_t *unix_ms_r);

/** "850 ms", "12 s", "3 m 20 s", "2 h 5 m", "3 d 4 h", into text[32]. Returns text. */
char *clock_duration(int64_t ms, char *text);

#endif
