/* Calls of the C library that write, sync, name or remove a file, replaced in the program that links this: for our code
 * and for libraries. Each call is noted, and one of them can be the moment at which the process dies. */
#ifndef ALMONER_TESTS_SUPPORT_FILE_CALLS_H
#define ALMONER_TESTS_SUPPORT_FILE_CALLS_H

#include <stdint.h>

#define FILE_CALLS_DIED 42 /* exit code */

struct file_calls {
	long count;         /* calls so far */
	long dies_at;       /* the process ends before this call; 0: never */
	char notes[8192];   /* "write NAME", "sync NAME", "link NAME", "rename NAME" or "unlink NAME" a line */
	int64_t free_bytes; /* what statvfs says; -1: the truth */
};

/* The one of this program. */
struct file_calls *file_calls(void);
/* Forgets the notes; nothing dies, statvfs says the truth. */
void file_calls_forget(void);

#endif
