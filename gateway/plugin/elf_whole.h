/* Is a shared object all there? Mapping one that was only half copied ends the process with SIGBUS. */
#ifndef ALMONER_PLUGIN_ELF_WHOLE_H
#define ALMONER_PLUGIN_ELF_WHOLE_H

#include "saga/base/err.h"

/* ERR_REFUSED: no regular file, no ELF object of this machine's word size, or shorter than its headers say. */
int elf_whole(const char *path, struct err *err) MUST_CHECK;

#endif
