-- A view's rows are read, and changed by nothing; a view is no table.
--~ any
drop database if exists conf_views
create database conf_views
use conf_views
create table t (id int primary key, b int)
insert into t values (1, 1), (2, 2)
create view v as select id, b from t
insert into v values (3, 3)
insert v values (3, 3)
insert ignore into v values (3, 3)
insert into conf_views.v (id) select 5
insert into v set id = 3
insert into v values (1, 2) on duplicate key update b = 3
replace into v values (1, 2)
update v set b = 3
update v as x set b = 3 where id = 1
update t join v on t.id = v.id set t.b = 1
update t, v set t.b = 5 where t.id = v.id
delete from v
delete from v where id = 1
delete v from v
delete a from v as a
delete t, v from t join v on t.id = v.id
load data infile '${DATA}/users.csv' into table v fields terminated by ','
truncate table v
prepare p from 'insert into v values (9, 9)'
alter table v rename to w
alter table v add column c int
rename table v to w
drop table v
select * from v order by id
update t a join (select * from v) b on a.id = b.id set a.b = 7 where a.id = 1
update t set b = 8 where id in (select id from v where id = 2)
delete t from t join v on t.id = v.id where t.id = 1
delete from t using t join v on t.id = v.id where t.id = 9
insert into t select id + 5, b from v
select * from v order by id
create or replace view v as select id from t
insert into v values (77)
drop view v
create table v (id int primary key)
insert into v values (1)
select * from v
alter table v rename to w
create view v as select 1 as a
insert into v values (1)
drop database conf_views
create database conf_views
use conf_views
create table v (a int primary key)
insert into v values (1)
drop database conf_views
