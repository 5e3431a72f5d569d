/* Handles Ctrl-C while the command waits for a job: prints that the job continues in the daemon and how to
 * see or cancel it, then ends this process with status 130. */
#ifndef ALMONER_GATEWAY_CLI_INTERRUPT_H
#define ALMONER_GATEWAY_CLI_INTERRUPT_H

struct interrupt;
/* Blocks SIGINT in the calling thread and starts a thread that waits for it. Returns NULL if that fails; then
 * Ctrl-C ends the process without a message. `job`: the number to print. */
struct interrupt *interrupt_begin(long long job);
/* Ends the thread and restores the signal mask. NULL is accepted. Thread: the one that called
 * interrupt_begin. */
void interrupt_end(struct interrupt *interrupt);

#endif
