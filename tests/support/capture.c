#include "tests/support/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int temporary(void)
{
	char path[] = "/tmp/almoner-capture-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	(void)unlink(path);
	return fd;
}

void capture_begin(struct capture *c)
{
	(void)fflush(NULL);
	for (int i = 0; i < 2; i++) {
		c->saved[i] = dup(i + 1);
		c->files[i] = temporary();
		assert_true(dup2(c->files[i], i + 1) >= 0);
	}
}

void capture_end(struct capture *c)
{
	char *texts[] = { c->out, c->err };
	(void)fflush(NULL);
	for (int i = 0; i < 2; i++) {
		assert_true(dup2(c->saved[i], i + 1) >= 0);
		(void)close(c->saved[i]);
		ssize_t len = pread(c->files[i], texts[i], sizeof c->out - 1, 0);
		assert_true(len >= 0);
		texts[i][len] = '\0';
		(void)close(c->files[i]);
	}
}
