/** dump.h - keeps a process that holds secrets out of core files, and out of the reach of a debugger. */
#ifndef BASE_DUMP_H
#define BASE_DUMP_H

/**
 * No core file, not dumpable: its memory and /proc/self/environ are then root's alone (prctl(2),
 * PR_SET_DUMPABLE). For the whole process; called before the first secret is read. Where the system refuses,
 * nothing can be done and nothing is said.
 */
void dump_forbid(void);

#endif
