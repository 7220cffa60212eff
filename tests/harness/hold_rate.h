/** hold_rate.h - guarantee 4: a run at a rate limit with every process there is, for a short and a long test.
 */
#ifndef HARNESS_HOLD_RATE_H
#define HARNESS_HOLD_RATE_H

/**
 * Imports so many devices with eight assign, two import and two verify workers at 50 requests a second,
 * burst 10. Fails the test where one request is answered 429, or where more than 1.02 x the ideal are sent:
 * one for each device, three for each 200, two reads of the catalog each 5 minutes. Prints the time against
 * calls / rate.
 */
void hold_rate_run(const char *bin, int devices);

#endif
