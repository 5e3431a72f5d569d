/* Captures what a command prints to standard output and standard error. */
#ifndef ALMONER_TESTS_SUPPORT_CAPTURE_H
#define ALMONER_TESTS_SUPPORT_CAPTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct capture {
	char out[65536];
	char err[65536];
	int saved[2];
	int files[2];
};
/* Redirects both until capture_end, which puts the texts into `out` and `err`. */
void capture_begin(struct capture *c);
void capture_end(struct capture *c);

#endif
