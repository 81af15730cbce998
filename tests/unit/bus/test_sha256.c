/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "bus/sha256.h"

static void assert_digest(const char *text, size_t n, const char *hex)
{
        unsigned char digest[SHA256_BYTES];
        char ours[2 * SHA256_BYTES + 1];

        sha256(text, n, digest);
        for (int i = 0; i < SHA256_BYTES; i++)
                snprintf(ours + 2 * i, 3, "%02x", digest[i]);
        assert_string_equal(ours, hex);
}

/* The examples of FIPS 180-4, and lengths around a block's end as sha256sum(1) gives them. */
static void known_digests_come_out(void **state)
{
        static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        char many[119];

        (void)state;
        memset(many, 'a', sizeof many);
        assert_digest("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_digest("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_digest(two_blocks, 56,
                      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        assert_digest(many, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
        assert_digest(many, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
        assert_digest(many, 119,
                      "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb");
}

UNIT_MAIN(UNIT(known_digests_come_out))
