-- Types and values of sums, averages, quotients and texts of JSON, and the titles of columns.
--~ any
drop database if exists conf_numbers
create database conf_numbers
use conf_numbers
create table n (ti tinyint, si smallint, i int, bi bigint, ut tinyint unsigned, ui int unsigned, ub bigint unsigned, b bool, d decimal(10,2), d0 decimal(30,0), f float, db double, v varchar(10), y year, dt date, j json)
insert into n values (1,1,1,1,1,1,1,true,1.5,3,1.5,2.5,'7',2024,'2024-01-01','"x"'),(2,2,2,2,2,2,2,false,2.5,4,1.5,2.5,'8',2025,'2024-01-01','{"a": 1}'),(2,2,2,2,2,2,2,false,2.5,4,1.5,2.5,'8',2025,'2024-01-01','[1]')
select sum(ti), sum(si), sum(i), sum(bi), sum(ut), sum(ui), sum(ub), sum(d), sum(d0), sum(f), sum(db), sum(y) from n
select avg(ti), avg(si), avg(i), avg(bi), avg(ut), avg(ui), avg(ub), avg(d), avg(f), avg(db) from n
select sum(distinct i), avg(distinct i), sum(all i), sum(-i), sum(i) from n
select sum(i), avg(i) from n where i > 100
select sum(i + 1), avg(i + 1), sum(i * 2), sum(coalesce(i, 0)), sum(case when i > 1 then i else 0 end), sum(if(i > 1, 1, 0)) from n
select sum(1), avg(1), avg(2.50), sum(2.5)
select sum(b) from n
select avg(b) from n
select sum(i = 1) from n
select sum(v) from n
select sum(dt) from n
select sum(j) from n
select ti / 2, i / 2, bi / 2, ub / 2, ui / 2, d / 2, d / 3, d0 / 3, f / 2, db / 2, v / 2, i / i, i / d, i / d0, d / i, i / ub from n where i = 1
select i / 3, bi / 3, i * 2 / 3, i / 3 * 3, -i / 3, (i + 1) / 3, abs(i) / 3, count(*) / 3, sum(i) / 3, sum(bi) / 3, max(i) / 3, avg(bi) / 3 from n where i = 1 group by i
select b / 2 from n
select 7 / 2.0, 7.0 / 2, 1.00 / 3, 2.0 / 3.00, 1 / 3.0, 1 / 3, 100 / 7.123, 1e0 / 3, '7' / 2
select s / 3, s from (select sum(i) as s from n) q
select q.s from (select sum(i) as s from n group by i) q order by 1
with q as (select i, avg(i) a from n group by i) select sum(i), sum(a), sum(i) / 7 from q
with q (k) as (select sum(i) from n) select k / 3 from q
select (select sum(i) from n), (select avg(i) from n) / 2
select i from n group by i having sum(i) / 3 > 1.3333 order by sum(i) / 3
select sum(i) over (order by bi), avg(bi) over () from n order by i
select a.i / b.bi from n a join n b on a.i = b.i where a.ti = 1
select sum(i) from n union all select avg(bi) from n order by 1
select count(*) / 2, count(distinct i) / 4, length(v) / 4 from n group by v order by v
create table q (x double, y decimal(20,10))
insert into q select i / 3, d / 7 from n where ti = 1
insert into q values (1 / 3, 1 / 3)
update q set x = 2 / 3 where y < 0.3
select x, y from q order by x
create view sums as select sum(i) as s, avg(i) as a, i / 3 as t from n group by i
select s, a, t from sums order by s
create view unnamed as select sum(i) from n
select * from unnamed
create table ctas as select sum(i) as s, avg(i) as a from n
select * from ctas
select column_name, data_type from information_schema.columns where table_schema = 'conf_numbers' and table_name = 'ctas' order by 1
select cast(j as char) from n order by bi, 1
select cast(j as char(20)) from n order by bi, 1
select cast(json_extract('{"a": "x"}', '$.a') as char), cast(cast('"x"' as json) as char), cast('"x"' as char)
select cast(j as json) from n order by bi, 1
select pi(), pi() * 2, round(pi(), 2)
select i is null, i is not null, i in (1,2), i not in (1, 2), i between 1 and 2, i like 'a', not i, i and 1, i or 0, i xor 1, i <> 1, i div 2, i mod 2 from n where ti = 1
select CASE WHEN i > 1 THEN 'a' ELSE 'B' END, EXISTS (SELECT 1 FROM n WHERE i = 9), (SELECT MAX(i) FROM n), COUNT(DISTINCT i), (1 + 2), NULL, TRUE from n where ti = 1 group by i
select ROW_NUMBER() OVER (PARTITION BY i ORDER BY bi DESC), SUM(i) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) from n where ti = 1
select DATE_ADD(dt, INTERVAL 1 DAY), dt + INTERVAL 1 MONTH, TIMESTAMPDIFF(DAY, '2024-01-01', dt), DATE '2024-01-01' from n where ti = 1
select i between -1 and 2, i regexp 'b', -i, i - -1, 1 AS a, 2 b from n where ti = 1
select @@session.autocommit, @@autocommit
drop database conf_numbers
