/* Runs the contract suite against SQLite. */
#include "tests/unit/store/sqlite_factory.h"

int main(void)
{
	struct sqlite_factory sqlite;
	sqlite_factory_init(&sqlite);
	struct store_factory factory = sqlite_factory_of(&sqlite);
	int failed = contract_run(&factory);
	sqlite_factory_finish(&sqlite);
	return failed;
}
