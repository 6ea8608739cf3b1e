"""Scripts are split as psql does it."""

from split import Command, Statement, bare, ordered, split, substitute


def texts(script):
    return [part.text for part in split(script)]


def test_semicolons_in_strings_names_and_brackets():
    assert texts("""select ';', ";" , $$;$$, $a$ $$;$$ $a$; select (1); select E'\\';';""") == [
        """select ';', ";" , $$;$$, $a$ $$;$$ $a$""",
        "select (1)",
        "select E'\\';'",
    ]


def test_a_rule_of_several_statements_is_one():
    rule = "create rule r as on insert to t do (delete from a; delete from b)"
    assert texts(rule + "; select 1;") == [rule, "select 1"]


def test_a_body_of_the_standard_is_one():
    function = "create function f() returns int begin atomic select 1; select case when true then 2 end; end"
    assert texts(function + "; select 3;") == [function, "select 3"]


def test_comments():
    script = "-- it's; one\n/* two; /* three; */ ; */ select 1 -- four;\n + 2; -- five\nselect 3"
    assert texts(script) == ["select 1 -- four;\n + 2", "select 3"]
    assert [part.line for part in split(script)] == [2, 4]
    assert bare("a/*b*/'c'--d") == "a '' "


def test_places_of_parameters_are_no_dollar_quotes():
    assert texts("select $1; select a$b$ from t; select $2;") == ["select $1", "select a$b$ from t", "select $2"]


def test_copy_data():
    parts = split("copy t (a) from stdin;\n1;'\n\\N\n\\.\nselect 1;\ncopy (select 'from stdin') to stdout;\n")
    assert parts == [
        Statement("copy t (a) from stdin", 1, "1;'\n\\N\n"),
        Statement("select 1", 5),
        Statement("copy (select 'from stdin') to stdout", 6),
    ]


def test_backslash_commands():
    script = "\\set a 'x;'\nselect 1 as b \\gset p_\nselect 1\\; select 2;\n\\d t;\nselect 3\n\\g\n"
    assert split(script) == [
        Command("\\set a 'x;'", 1),
        Statement("select 1 as b", 2, then="\\gset p_"),
        Statement("select 1; select 2", 3),
        Command("\\d t;", 4),
        Statement("select 3", 5, then="\\g"),
    ]


def test_variables():
    text = "select :'a', :a, a::b, x[1:2], ':a', :\"a\", :none"
    assert substitute(text, {"a": "it's", "b": "?"}) == "select 'it''s', it's, a::b, x[1:2], ':a', \"it's\", :none"


def test_order():
    assert ordered("select a from t ORDER  BY a limit 1")
    assert not ordered("select array_agg(a order by a) from (select a from t order by a) t -- order by")
