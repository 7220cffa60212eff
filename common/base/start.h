/** start.h - what a program does before anything else, so that it meets the same world however it was
 * started. */
#ifndef BASE_START_H
#define BASE_START_H

/**
 * Standard input, output and error are open from here on: whoever started us may have closed them, and the
 * next file or connection would then take their place, and get what is logged. A reader that left (SIGPIPE)
 * and a file at its size limit (SIGXFSZ) become errors of write(2). For the whole process, before the first
 * file is opened. Where even /dev/null cannot be opened the process aborts.
 */
void start_process(void);

#endif
