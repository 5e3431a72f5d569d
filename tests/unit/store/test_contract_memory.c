/* Runs the contract suite against the memory store. */
#include "tests/support/memory_store/memory_store.h"
#include "tests/unit/store/contract.h"

static void factory_fresh(void *ctx)
{
	memory_store_clear(ctx);
}

static int factory_open(void *ctx, struct store_writer *ret, struct err *err)
{
	return memory_store_open(ctx, NULL, ret, err);
}

static int factory_open_reader(void *ctx, struct store_reader *ret, struct err *err)
{
	return memory_store_open_reader(ctx, ret, err);
}

static void factory_harm(void *ctx, enum damage damage, int64_t number)
{
	static const enum memory_damage kinds[] = {
		[DAMAGE_FLIP_HEAD] = MEMORY_FLIP_HEAD,         [DAMAGE_FLIP_PERSONAL] = MEMORY_FLIP_PERSONAL,
		[DAMAGE_REMOVE_ROW] = MEMORY_REMOVE_ROW,       [DAMAGE_REMOVE_COMMIT] = MEMORY_REMOVE_COMMIT,
		[DAMAGE_REMOVE_TAIL] = MEMORY_REMOVE_TAIL,     [DAMAGE_FLIP_CHAIN] = MEMORY_FLIP_CHAIN,
		[DAMAGE_FLIP_COUNTERS] = MEMORY_FLIP_COUNTERS, [DAMAGE_FLIP_MARKS] = MEMORY_FLIP_MARKS,
		[DAMAGE_CHAIN_TIME] = MEMORY_CHAIN_TIME,       [DAMAGE_RENUMBER] = MEMORY_RENUMBER,
		[DAMAGE_SAGA_VALUE] = MEMORY_CUT_SAGA,         [DAMAGE_SAGA_STATE] = MEMORY_SAGA_STATE,
		[DAMAGE_EVENT] = MEMORY_CHANGE_EVENT,          [DAMAGE_REMOVE_EVENT] = MEMORY_REMOVE_EVENT,
		[DAMAGE_SPOIL_EVENT] = MEMORY_SPOIL_EVENT,     [DAMAGE_RELATED] = MEMORY_CHANGE_RELATED,
		[DAMAGE_SPOIL_RELATED] = MEMORY_SPOIL_RELATED, [DAMAGE_REMOVE_RELATED] = MEMORY_REMOVE_RELATED,
		[DAMAGE_REMOVE_STEP] = MEMORY_REMOVE_STEPS,    [DAMAGE_NEWER_SCHEMA] = MEMORY_NEWER_SCHEMA,
		[DAMAGE_SAGA_CORE] = MEMORY_CHANGE_SAGA,       [DAMAGE_FORGET_PERSONAL] = MEMORY_FORGET_PERSONAL,
		[DAMAGE_FORGET_SALT] = MEMORY_FORGET_SALT,     [DAMAGE_EMPTY_HEAD] = MEMORY_EMPTY_HEAD,
	};
	memory_store_damage(ctx, kinds[damage], number);
}

int main(void)
{
	struct memory_store *memory = memory_store_create();
	const struct store_factory factory = { .name = "memory",
										   .ctx = memory,
										   .fresh = factory_fresh,
										   .open = factory_open,
										   .open_reader = factory_open_reader,
										   .harm = factory_harm };
	int failed = contract_run(&factory);
	memory_store_destroy(memory);
	return failed;
}
