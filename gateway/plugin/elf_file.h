/* Detects truncated shared objects. dlopen maps the file without comparing its size with its headers: if
 * the file was copied only in part, touching the missing pages ends the process with SIGBUS, and `almoner
 * check` must report the file instead. No libc or libdl function does this check. */
#ifndef ALMONER_GATEWAY_PLUGIN_ELF_FILE_H
#define ALMONER_GATEWAY_PLUGIN_ELF_FILE_H

#include "saga/base/err.h"

/* ERR_REFUSED: not a regular file, not an ELF object of this machine's word size, or shorter than its
 * headers say. */
int elf_file_check(const char *path, struct err *err) MUST_CHECK;

#endif
