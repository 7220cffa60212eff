/** who.h - who acts: for pauses, and for a run's operator. */
#ifndef ABMCTL_WHO_H
#define ABMCTL_WHO_H

#define WHO_BYTES 256

/** $ABM_OPERATOR; else the CI job, "CI=github-actions, RUN_ID=12345"; else "user@host". Control characters
 * become '?'. */
const char *who_operator(char text[WHO_BYTES]);

/** $ABM_GIT_COMMIT, $GITHUB_SHA or $CI_COMMIT_SHA where it looks like a commit (7 to 64 hex digits); else
 * NULL. */
const char *who_commit(void);

#endif
