#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What all our programs share around run(): signals, exit codes, the last error line. */

/* Blocks SIGTERM/SIGINT/SIGHUP in all threads, ignores SIGPIPE, and gives a descriptor that becomes
 * readable when a SIGTERM or SIGINT came; a second one ends the process at once (exit 1). Call
 * before any thread starts. */
int daemon_stop_fd(void);
/* Waits on daemon_stop_fd() for at most 'timeout_ms' (-1: no limit). 1: stop was asked, 0: time
 * out. */
int daemon_wait_stop(int timeout_ms);
/* Tells a waiting parent (`--ready-fd N`, or NOTIFY_SOCKET of systemd) that the program serves. */
void daemon_ready(void);

int daemon_main(const char *program, int (*run)(int argc, char **argv), int argc, char **argv);
/* main() of a program: 0 or CONFIG_EXIT from run() is exit 0; another positive answer is exit 2
 * (already explained); a negative one is logged with its trace, exit 1. */
#define DAEMON_MAIN(program, run)                                                                  \
        int main(int argc, char **argv)                                                            \
        {                                                                                          \
                return daemon_main((program), (run), argc, argv);                                  \
        }
