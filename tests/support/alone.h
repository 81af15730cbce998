#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* For tests that make interfaces and start servers: first thing in main(). Starts the program again by alone.sh, in
 * namespaces that take everything with them when it ends. */
void alone(char **argv);
/* Runs a shell command made by printf; its exit status. What it says goes to 'ret' of 'size' bytes, or is dropped. */
int shell(char *ret, unsigned long size, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
