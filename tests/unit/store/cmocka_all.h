/* cmocka, after the headers that must be included before it. */
#ifndef ALMONER_TESTS_UNIT_STORE_CMOCKA_ALL_H
#define ALMONER_TESTS_UNIT_STORE_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
