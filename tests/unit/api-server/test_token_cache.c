/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/token_cache.h"

#include "support/unit.h"

static struct token_entry *entry_of(struct token_cache *c, const char *token)
{
        char key[TOKEN_KEY_SIZE];

        assert_true(token_key(token, key));
        return token_cache_get(c, key);
}

static void a_key_is_the_digest_of_what_can_be_a_token(void **state)
{
        char key[TOKEN_KEY_SIZE], *longest = malloc(8194);

        (void)state;
        assert_true(token_key("abc", key));
        assert_string_equal(key, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_false(token_key("", key));
        assert_false(token_key("a b", key));
        assert_false(token_key("a\tb", key));
        assert_false(token_key("t\xc3\xb6ken", key));
        memset(longest, 't', 8193);
        longest[8193] = '\0';
        assert_false(token_key(longest, key));
        longest[8192] = '\0';
        assert_true(token_key(longest, key));
        free(longest);
}

static void the_one_that_was_longest_not_used_goes_first(void **state)
{
        struct token_cache c = { .room = 3 };
        struct token_entry *a = entry_of(&c, "a"), *b = entry_of(&c, "b");

        (void)state;
        entry_of(&c, "c")->asking = true;
        assert_ptr_equal(entry_of(&c, "b"), b);
        assert_ptr_equal(entry_of(&c, "a"), a);
        a->kept = b->kept = true;
        entry_of(&c, "d"); /* c is being asked about: b goes */
        assert_int_equal(c.n, 3);
        assert_true(entry_of(&c, "a")->kept);
        assert_true(entry_of(&c, "c")->asking);
        assert_false(entry_of(&c, "b")->kept); /* anew; d has gone */
        token_cache_done(&c);
        assert_int_equal(c.n, 0);
}

static void a_cache_that_is_all_questions_takes_no_more(void **state)
{
        struct token_cache c = { .room = 1 };

        (void)state;
        entry_of(&c, "a")->asking = true;
        assert_null(entry_of(&c, "b"));
        assert_non_null(entry_of(&c, "a"));
        token_cache_done(&c);
}

static void an_answer_is_good_for_its_time_and_no_longer_than_the_token(void **state)
{
        struct token_entry yes = { .kept = true, .valid = true, .checked_ms = 1000, .who.expires_ms = 500000 };
        struct token_entry no = { .kept = true, .checked_ms = 1000 }, fresh = { 0 };

        (void)state;
        assert_true(token_entry_fresh(&yes, 60000, 60999, 499999));
        assert_false(token_entry_fresh(&yes, 60000, 61000, 499999));
        assert_false(token_entry_fresh(&yes, 60000, 2000, 500000));
        assert_false(token_entry_fresh(&yes, 0, 1000, 0));
        assert_true(token_entry_fresh(&no, 60000, 1000 + TOKEN_REFUSED_MS - 1, 0));
        assert_false(token_entry_fresh(&no, 60000, 1000 + TOKEN_REFUSED_MS, 0));
        assert_false(token_entry_fresh(&fresh, 60000, 0, 0));
}

UNIT_MAIN(UNIT(a_key_is_the_digest_of_what_can_be_a_token), UNIT(the_one_that_was_longest_not_used_goes_first),
          UNIT(a_cache_that_is_all_questions_takes_no_more),
          UNIT(an_answer_is_good_for_its_time_and_no_longer_than_the_token))
