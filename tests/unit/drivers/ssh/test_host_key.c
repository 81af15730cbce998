/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "drivers/ssh/host_key.h"

#define ED25519 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

static void a_pinned_key_is_compared_by_its_bytes(void **state)
{
        static const unsigned char head[] = { 0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd', '2', '5', '5', '1', '9', 0, 0, 0, 32 };
        char raw[sizeof head + 32];
        struct host_key k;

        (void)state;
        memcpy(raw, head, sizeof head);
        for (int i = 0; i < 32; i++)
                raw[sizeof head + (size_t)i] = (char)i;
        assert_true(host_key_parse(ED25519, &k));
        assert_true(host_key_parse(ED25519 " root@gateway", &k));
        assert_string_equal(k.type, "ssh-ed25519");
        assert_true(host_key_equal(&k, raw, sizeof raw));
        assert_false(host_key_equal(&k, raw, sizeof raw - 1));
        raw[sizeof raw - 1] ^= 1;
        assert_false(host_key_equal(&k, raw, sizeof raw));
}

static void what_is_no_key_of_a_kind_we_accept_is_refused(void **state)
{
        static const char *const texts[] = {
                "", "ssh-ed25519", "ssh-ed25519 ", "ssh-ed25519 AAAA", "ssh-ed25519 %%%%",
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4", /* not whole */
                "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQA=",
                "ecdsa-sha2-nistp256 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f", /* says ed25519 inside */
                "192.0.2.1 " ED25519,
        };
        struct host_key k;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(texts); i++)
                if (host_key_parse(texts[i], &k))
                        fail_msg("taken for a key: %s", texts[i]);
}

UNIT_MAIN(UNIT(a_pinned_key_is_compared_by_its_bytes), UNIT(what_is_no_key_of_a_kind_we_accept_is_refused))
