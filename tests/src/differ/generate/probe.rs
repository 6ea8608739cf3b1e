//! Statements that PostgreSQL mostly refuses, for some rows or for all: to answer them would be wrong.

use super::super::expr::{Aggregate, Expr, Window};
use super::super::query::{Body, From, Item, On, Query, Select};
use super::super::scope::Scope;
use super::super::ty::Ty::{self, Bool, Date, Float, Int, Interval, Ints, Num, Text, Ts};
use super::{Generator, Place};

/// Expressions that fail for some values or always.
const FAILING: &[(&str, &[Ty])] = &[
    ("(? / ?)", &[Int, Int]),
    ("(? % ?)", &[Int, Int]),
    ("(? / ?)", &[Num, Num]),
    ("(? / ?)", &[Float, Float]),
    ("(?)::int", &[Text]),
    ("(?)::int", &[Float]),
    ("(?)::int2", &[Num]),
    ("(? * 100000)::int2", &[Int]),
    ("((?)::int2 * 9999::int2)", &[Int]),
    ("(?)::numeric", &[Text]),
    ("(?)::date", &[Text]),
    ("(?)::bool", &[Text]),
    ("(?)::interval", &[Text]),
    ("(?)::int[]", &[Text]),
    ("(?)::numeric(3,2)", &[Num]),
    ("sqrt(?)", &[Float]),
    ("sqrt(?)", &[Num]),
    ("ln(?)", &[Num]),
    ("(? + 2147483640)", &[Int]),
    ("(? + 9223372036854775800)", &[Int]),
    ("substring(? FROM 1 FOR -1)", &[Text]),
    ("substr(?, 2, ?)", &[Text, Int]),
    ("repeat(?, ?)", &[Text, Int]),
    ("chr(?)", &[Int]),
    ("split_part(?, 'a', ?)", &[Text, Int]),
    ("make_date(2024, ?, 30)", &[Int]),
    ("(?)::varchar(1)::int", &[Text]),
    ("date_trunc(?, timestamp '2024-02-29')", &[Text]),
    ("(? = ?)", &[Text, Int]),
    ("(? = ?)", &[Date, Int]),
    ("(? < ?)", &[Bool, Int]),
    ("(? = ?)", &[Ints, Int]),
    ("(? + ?)", &[Date, Date]),
    ("(? + ?)", &[Text, Int]),
    ("(? + ?)", &[Bool, Bool]),
    ("(? || ?)", &[Int, Int]),
    ("(? AND ?)", &[Int, Bool]),
    ("(? LIKE 'a%')", &[Int]),
    ("(? BETWEEN ? AND ?)", &[Int, Text, Int]),
    ("(? IN (?, ?))", &[Text, Int, Int]),
    ("COALESCE(?, ?)", &[Text, Int]),
    ("CASE WHEN ? THEN ? ELSE ? END", &[Bool, Text, Date]),
    ("CASE WHEN ? THEN 1 END", &[Int]),
    ("upper(?)", &[Int]),
    ("length(?)", &[Int]),
    ("abs(?)", &[Text]),
    ("round(?, 1)", &[Float]),
    ("mod(?, ?)", &[Float, Int]),
    ("left(?, '2x')", &[Text]),
    ("extract(hour FROM ?)", &[Date]),
    ("extract(nothing FROM ?)", &[Ts]),
    ("(? * ?)", &[Interval, Interval]),
    ("(? LIKE 'a\\')", &[Text]),
    ("(? ~ '(')", &[Text]),
    ("sum(?)", &[Text]),
    ("sum(?)", &[Bool]),
    ("avg(?)", &[Date]),
    ("max(?)", &[Bool]),
    ("string_agg(?, ',')", &[Int]),
    ("count(?, ?)", &[Int, Int]),
    ("bool_and(?)", &[Int]),
    ("sum(sum(?))", &[Int]),
    ("sum(count(*) OVER ())", &[]),
    ("count(DISTINCT ?) OVER ()", &[Int]),
    ("lag(DISTINCT ?) OVER ()", &[Int]),
    ("rank(?) OVER ()", &[Int]),
    ("row_number()", &[]),
    ("ntile(?) OVER ()", &[Int]),
    ("nothing(?)", &[Int]),
];

impl Generator<'_> {
    pub(super) fn probe(&mut self) -> Query {
        let nest = std::mem::take(&mut self.nest);
        let (mut select, place) = self.plain_from(&Scope::default());
        select.filter = None;
        let query = match self.rng.below(3) {
            0 => self.misplaced(select, &place),
            _ => {
                let (template, tys) = self.rng.one(FAILING);
                let args = tys.iter().map(|ty| self.expr(&place, *ty, 0)).collect();
                select.items = vec![Item::named(Expr::node(template, args, Int), 0)];
                Query::plain(select)
            }
        };
        self.nest = nest;
        query
    }

    /// Something valid in a place where it is not.
    fn misplaced(&mut self, mut select: Select, place: &Place) -> Query {
        let ty = self.ty_at(place);
        let column = self.expr(place, ty, 0);
        let count = Expr::Aggregate(Box::new(Aggregate {
            function: "count",
            args: vec![],
            distinct: false,
            order: None,
            filter: None,
            ty: Int,
        }));
        let window = Expr::Window(Box::new(Window {
            call: Expr::node("count(*)", vec![], Int),
            partition: vec![],
            order: vec![],
            keys: vec![],
            frame: "",
            ty: Int,
        }));
        let over = |e: &Expr| Expr::node("(? > 1)", vec![e.clone()], Bool);
        select.items = vec![Item::named(column.clone(), 0)];
        match self.rng.below(10) {
            0 => select.items.push(Item::named(count, 1)),
            1 => select.filter = Some(over(&count)),
            2 => select.filter = Some(over(&window)),
            3 => select.having = Some(over(&count)),
            4 => select.filter = Some(Expr::node("?", vec![Expr::plain(ty)], Bool)),
            5 => {
                // Another type, or another number of columns, on the other side.
                let mut right = select.clone();
                let other = self.some_ty();
                right.items = vec![Item::named(self.expr(place, other, 0), 0)];
                if self.rng.chance(30) {
                    right.items.push(Item::named(column, 1));
                }
                let mut query = Query::plain(select);
                query.body = Body::Set {
                    op: self.rng.pick(&["UNION", "EXCEPT", "INTERSECT", "UNION ALL"]),
                    left: Box::new(query.body),
                    right: Box::new(Body::Select(Box::new(right))),
                };
                return query;
            }
            6 => {
                // A value of as many rows as there are, or of two columns.
                let mut inner = select.clone();
                if self.rng.chance(30) {
                    inner.items.push(Item::named(column, 1));
                }
                select.items = vec![Item::named(
                    Expr::Query {
                        template: "(QUERY)",
                        args: vec![],
                        query: Box::new(Query::plain(inner)),
                        ty,
                    },
                    0,
                )];
            }
            7 => {
                let name = self.rng.pick(&["id", "k", "t", "g", "nothing"]);
                select.items = vec![Item::named(Expr::literal(name, ty), 0)];
            }
            8 => {
                // One name twice.
                let from = select.from.clone().expect("a FROM");
                select.from = Some(From::Join {
                    kind: "CROSS JOIN",
                    left: Box::new(from.clone()),
                    right: Box::new(from),
                    on: On::Nothing,
                });
            }
            _ => {
                let mut query = Query::plain(select);
                query.order = Some(vec![" DESC, 2"]);
                return query;
            }
        }
        Query::plain(select)
    }
}
