/* Private to gateway/demo: the folder and the processes of the demo. */
#ifndef ALMONER_GATEWAY_DEMO_DEMO_INTERNAL_H
#define ALMONER_GATEWAY_DEMO_DEMO_INTERNAL_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "saga/base/err.h"

/* ---- folder.c ---- */

/* Makes a folder below $TMPDIR or /tmp and copies the shipped example into it. *ret is its path, the caller's
 * also after an error; NULL: no folder was made. */
int demo_folder_make(char **ret, struct err *err) MUST_CHECK;
/* Removes the folder and everything in it. Gives 0, or -1 with errno. */
int demo_folder_remove(const char *folder);

/* ---- process.c ---- */

/* The path of another program of almoner: relative to the build directory of this one, or to where it is
 * installed. A new string; NULL without /proc. */
char *demo_process_path(const char *in_build, const char *installed);
/* Starts a program. *ret_out is a pipe from its standard output; its standard error is appended to the file
 * `errors_to`. It gets SIGTERM if this process dies. -1 on failure, with errno. */
pid_t demo_process_start(char *const argv[], int *ret_out, const char *errors_to);
/* Reads a line like "http 127.0.0.1:41234", which begins with `name`; waits for it at most 10 s. */
int demo_process_read_port(FILE *out, const char *name, uint16_t *ret, struct err *err) MUST_CHECK;
/* Ends a process with SIGTERM and waits. Gives its exit code: 1 if a signal ended it, 0 if `pid` is no
 * process. */
int demo_process_end(pid_t pid);

#endif
