/* What every store must do, as tests that run against any store: pass a factory of the store to
 * contract_run. */
#ifndef ALMONER_TESTS_UNIT_STORE_CONTRACT_H
#define ALMONER_TESTS_UNIT_STORE_CONTRACT_H

#include "saga/store/store.h"

/* Ways to damage a store from outside, which verify must report. */
enum damage {
	DAMAGE_FLIP_HEAD,       /* one byte in the middle of the head of log row `number` */
	DAMAGE_FLIP_PERSONAL,   /* one byte in the middle of the personal part of log row `number` */
	DAMAGE_REMOVE_ROW,      /* log row `number` is deleted */
	DAMAGE_REMOVE_COMMIT,   /* the chain row of commit `number` is deleted */
	DAMAGE_REMOVE_TAIL,     /* log rows and chain rows from commit `number` on are deleted */
	DAMAGE_FLIP_CHAIN,      /* one byte of the digest of commit `number` */
	DAMAGE_FLIP_COUNTERS,   /* one byte of the counters of commit `number` */
	DAMAGE_FLIP_MARKS,      /* one byte of the marks of commit `number` */
	DAMAGE_CHAIN_TIME,      /* the time of commit `number` is a second later */
	DAMAGE_RENUMBER,        /* log row `number` becomes number + 1000 */
	DAMAGE_SAGA_VALUE,      /* the value of saga `number` is cut short */
	DAMAGE_SAGA_STATE,      /* the state column of saga `number` contradicts its value */
	DAMAGE_EVENT,           /* the raw body of the event of saga `number` is replaced */
	DAMAGE_REMOVE_EVENT,    /* the event of saga `number` is deleted */
	DAMAGE_SPOIL_EVENT,     /* the payload of the event of saga `number` does not decode any more */
	DAMAGE_RELATED,         /* the raw body of related event `number` is replaced */
	DAMAGE_SPOIL_RELATED,   /* the payload of related event `number` does not decode any more */
	DAMAGE_REMOVE_RELATED,  /* related event `number` is deleted */
	DAMAGE_REMOVE_STEP,     /* the step rows of saga `number` are deleted */
	DAMAGE_NEWER_SCHEMA,    /* the file names a schema version of a newer almoner */
	DAMAGE_SAGA_CORE,       /* the event id in the value of saga `number` is another one of the same length */
	DAMAGE_FORGET_PERSONAL, /* no damage: log row `number` is forgotten as almoner does it */
	DAMAGE_FORGET_SALT,     /* no damage: the salt of saga `number` is forgotten */
	DAMAGE_EMPTY_HEAD,      /* no damage: log row `number` keeps only the digests of both parts */
};

struct store_factory {
	const char *name;
	void *ctx;
	/* Removes the store of the previous test. */
	void (*fresh)(void *ctx);
	int (*open)(void *ctx, struct store_writer *ret, struct err *err);
	int (*open_reader)(void *ctx, struct store_reader *ret, struct err *err);
	/* Damages the store; called while it is closed. */
	void (*harm)(void *ctx, enum damage damage, int64_t number);
};

/* Runs all tests of the contract; returns the number of failed tests. */
int contract_run(const struct store_factory *factory);

#endif
