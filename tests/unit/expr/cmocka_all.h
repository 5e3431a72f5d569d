/* cmocka.h needs these headers before it. */
#ifndef ALMONER_UNIT_EXPR_CMOCKA_ALL_H
#define ALMONER_UNIT_EXPR_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
