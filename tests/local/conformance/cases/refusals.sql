-- With which numbers statements are refused, and how many rows are counted.
--~ any
drop database if exists conf_refusals
create database conf_refusals
use conf_refusals
create table n (i int primary key, v varchar(10), d decimal(5,2))
insert into n values (1, 'a', 1), (2, 'b', 2)
select nope from n
select n.nope from n
select i from n where nope = 1
select i from n order by nope
select nope.* from n
select i, count(*) from n
select i from n group by v
select count(*) from n where count(*) > 1
select sum(sum(i)) from n
select i from n a join n b on a.i = b.i
select 1 from n a, n a
select i from n union select i, v from n
select 1 order by 2
select nofunc(1)
select length()
select @@nope
set nope = 1
set session nope = 1
select @nope
insert into n (nope) values (1)
insert into n (i) select nope from n
insert into n (v) values ('x')
update n set v = 'x' where nope = 1
delete from n where nope = 1
create index k on n (nope)
create index k on n (v)
create index k on n (v)
kill 99999999
create table p (id int primary key)
create table ch (id int primary key, pid int, constraint fk foreign key (pid) references p (id))
insert into ch values (1, 1)
insert into p values (1)
insert into ch values (1, 1)
delete from p
drop table p
update n set v = 'a' where i = 1
update n set v = v
update n set v = 'a' where i = 99
insert into n values (1, 'a', 1) on duplicate key update v = 'a'
insert into n values (1, 'a', 1) on duplicate key update v = 'q'
insert into n values (3, 'a', 1) on duplicate key update v = 'q'
insert into n values (3, 'q', 1), (4, 'a', 1), (1, 'z', 1) on duplicate key update v = values(v)
replace into n values (1, 'w', 1)
insert ignore into n values (1, 'w', 1), (9, 'w', 1)
select i, v from n order by i
prepare p1 from 'select i from n where i = ?'
execute p1
set @a = 1
execute p1 using @a, @a
execute p1 using @a
deallocate prepare p1
-- texts that are no numbers, beside numbers
create table w (i int primary key, v varchar(10), d decimal(5,2), f double)
insert into w values (1, 'abc', 1, 1), (2, '7', 2, 2)
select i from w where v = 1
select i from w where v > 1
select i from w where i = 'abc'
select i from w where i = '1'
select i from w where d = 'x'
select v + 0 from w
select v + 0 from w where i = 2
select sum(v + 0) from w
select 'x' + 1
select i from w where v in (1, 2)
select if(v, 1, 2) from w order by i
select 'abc' = 1, 'b' > 1
-- what MySQL has and a MatrixOne server refuses
select @x := 1
select i into @z from w where i = 1
select @z
select i from w for share
select i from w where i = 1 lock in share mode
select i from w for update nowait
select i from w for update skip locked
select i from w for update of w
alter table w rename index a to b
alter table w add column (y int, z int)
alter table w engine = innodb
alter table w auto_increment = 100
alter table w add check (i > 0)
alter table w algorithm = inplace, add column q int
alter table w add column q int, lock = none
create temporary table tt (a int)
alter table tt add column b int
insert into tt values (1)
select * from tt
drop table tt
select mod(7, 2), 7 mod 2, left('abc', 2)
select json_extract('x', '$.a')
drop database conf_refusals
