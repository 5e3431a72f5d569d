/* Is a shared object all there? Mapping one that was only half copied ends the process with SIGBUS. */
#ifndef ALMONER_GATEWAY_PLUGIN_ELF_FILE_H
#define ALMONER_GATEWAY_PLUGIN_ELF_FILE_H

#include "saga/base/err.h"

/* ERR_REFUSED: no regular file, no ELF object of this machine's word size, or shorter than its headers say. */
int elf_file_check(const char *path, struct err *err) MUST_CHECK;

#endif
