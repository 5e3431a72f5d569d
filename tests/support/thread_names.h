/* The names of this process's threads, as top, gdb and profilers show them. */
#ifndef ALMONER_TESTS_SUPPORT_THREAD_NAMES_H
#define ALMONER_TESTS_SUPPORT_THREAD_NAMES_H

#include <stdbool.h>

/* Waits at most 10 seconds until a thread has this name: a new thread names itself. */
bool thread_name_appears(const char *name);

#endif
