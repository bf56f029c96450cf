-- Names with backslashes; those with a line end are in test_show.py, as each case is a line here.
--~ any
drop database if exists cs_na
create database cs_na
use cs_na
create table k (`b\s` int primary key, `c\\d` int, `e\n` int, `p\%q` int, `d\\` int, `q"u` int, `s'q` int, `k``k` int, key `i\x` (`c\\d`))
insert into k values (1,2,3,4,5,6,7,8)
select * from k
select `b\s`, `c\\d`, `e\n` from k
show create table k
select column_name from information_schema.columns where table_schema = 'cs_na' and table_name = 'k' order by ordinal_position
create table `w\s` (a int)
show create table `w\s`
create table l (a int, `f\g` int, constraint `k\l` foreign key (`f\g`) references k (`b\s`))
show create table l
show tables
create table j (`` int)
drop table l
drop database cs_na
