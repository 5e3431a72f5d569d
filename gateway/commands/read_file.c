#include "gateway/commands/read_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Stops reading just above the cap, so an endless input ends with ERR_TOO_BIG. */
int read_file(const char *path, size_t cap_bytes, struct buf *out, struct err *err)
{
	assert(cap_bytes > 0);
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
	if (in == NULL)
		return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot read %s: %s", path,
					   strerror(errno));
	char piece[16384];
	size_t len;
	while ((len = fread(piece, 1, sizeof piece, in)) > 0 && out->len <= cap_bytes)
		buf_add(out, piece, len);
	int rc = ferror(in) != 0 ? err_set(err, ERR_IO, "reading %s failed", path) : 0;
	if (rc == 0 && out->len > cap_bytes)
		rc = err_set(err, ERR_TOO_BIG,
					 "%s is larger than %zu bytes, which is the most that this command reads", path,
					 cap_bytes);
	if (in != stdin)
		fclose(in);
	return rc;
}
