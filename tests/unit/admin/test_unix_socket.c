/* Paths of sockets: a stale socket, a socket in use, another kind of file, a path too long for the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/admin/unix_socket.h"
#include "saga/base/mem.h"

static int setup(void **state)
{
	char *dir = mem_strdup("/tmp/almoner-socket-XXXXXX");
	*state = dir;
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
	(void)info, (void)kind, (void)place;
	return remove(path);
}

static int teardown(void **state)
{
	int rc = nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return rc;
}

static bool answers(const char *path)
{
	struct unix_socket_path p;
	assert_int_equal(unix_socket_path_open(path, &p, NULL), 0);
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	memcpy(to.sun_path, p.text, sizeof to.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool ok = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0;
	close(fd);
	unix_socket_path_close(&p);
	return ok;
}

static void mode_and_folders(void **state)
{
	char *path AUTO_FREE = mem_printf("%s/run/deep/a.sock", (char *)*state);
	struct unix_socket s;
	assert_int_equal(unix_socket_listen(path, &s, NULL), 0);
	struct stat found;
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 07777, 0660);
	assert_true(answers(path));
	close(s.fd);
	unix_socket_remove(path, &s);
	assert_int_equal(access(path, F_OK), -1);
}

static void stale_and_busy(void **state)
{
	char *path AUTO_FREE = mem_printf("%s/a.sock", (char *)*state);
	struct unix_socket first;
	struct unix_socket second;
	struct err err = { 0 };
	assert_int_equal(unix_socket_listen(path, &first, NULL), 0);
	assert_int_equal(unix_socket_listen(path, &second, &err), ERR_BUSY);
	assert_non_null(strstr(err.text, path));
	assert_true(answers(path)); /* the first socket still works */
	close(first.fd);            /* closed without removal, as after kill -9 */
	assert_false(answers(path));
	assert_int_equal(unix_socket_listen(path, &second, NULL), 0);
	assert_true(answers(path));
	/* The file was removed while a daemon listens, and another daemon made a new one: the first daemon must
	 * not remove the file of the other when it stops. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unix_socket_listen(path, &first, NULL), 0);
	unix_socket_remove(path, &second);
	close(second.fd);
	assert_true(answers(path));
	unix_socket_remove(path, &first);
	close(first.fd);
}

static void something_else_stays(void **state)
{
	char *path AUTO_FREE = mem_printf("%s/almoner.db", (char *)*state);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	struct unix_socket s;
	struct err err = { 0 };
	assert_int_equal(unix_socket_listen(path, &s, &err), ERR_REFUSED);
	assert_non_null(strstr(err.text, "not a socket"));
	struct stat found;
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_size, 8);
}

static void long_paths(void **state)
{
	char folder[60];
	memset(folder, 'f', sizeof folder - 1);
	folder[sizeof folder - 1] = '\0';
	char *path AUTO_FREE = mem_printf("%s/%s/%s/almoner.sock", (char *)*state, folder, folder);
	assert_true(strlen(path) > UNIX_SOCKET_PATH_BYTES);
	struct unix_socket s;
	struct unix_socket again;
	assert_int_equal(unix_socket_listen(path, &s, NULL), 0);
	assert_true(answers(path));
	assert_int_equal(unix_socket_listen(path, &again, NULL), ERR_BUSY);
	close(s.fd);
	unix_socket_remove(path, &s);
	assert_int_equal(access(path, F_OK), -1);

	char name[120];
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	char *too_long AUTO_FREE = mem_printf("%s/%s", (char *)*state, name);
	struct err err = { 0 };
	assert_int_equal(unix_socket_listen(too_long, &s, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "too long"));
	assert_int_equal(unix_socket_listen("", &s, &err), ERR_INVALID);
}

static void no_folder(void **state)
{
	char folder[120];
	memset(folder, 'g', sizeof folder - 1);
	folder[sizeof folder - 1] = '\0';
	char *path AUTO_FREE = mem_printf("%s/%s/a.sock", (char *)*state, folder);
	struct unix_socket_path p;
	assert_int_equal(unix_socket_path_open(path, &p, NULL), ERR_NOT_FOUND);
}

static void actor(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	char who[UNIX_SOCKET_ACTOR_BYTES];
	char wanted[32];
	unix_socket_actor(ends[0], who);
	snprintf(wanted, sizeof wanted, "uid %u", getuid());
	assert_memory_equal(who, wanted, strlen(wanted));
	close(ends[0]);
	close(ends[1]);
	unix_socket_actor(ends[0], who);
	assert_string_equal(who, "uid unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mode_and_folders, setup, teardown),
		cmocka_unit_test_setup_teardown(stale_and_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(something_else_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(long_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(no_folder, setup, teardown),
		cmocka_unit_test(actor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
