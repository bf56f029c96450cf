-- What a definition becomes: names in lower case, sizes of types, items of ENUM, defaults.
--~ any
drop database if exists cd_n
create database cd_n
use cd_n
create table p(Id int primary key)
create table c(a int, constraint FK_Camel foreign key (a) references p (Id))
create table k(a int, b int, key IX_A (a), unique key `UQ B` (b))
show create table c
show create table k
create index MM on k(a)
create index mm on k(b)
select index_name from information_schema.statistics where table_schema='cd_n' and table_name='k' order by index_name
select constraint_name from information_schema.referential_constraints where constraint_schema='cd_n'
drop index Mm on k
create table f(a float(23), b float(24), c float(53), d real, e mediumint, g tinytext, h longtext, i tinyblob, j longblob)
show create table f
--~ any
create table x(a text(9))
--~ any
create table x(a blob(9))
create table v(a varbinary, b varbinary comment 'x', k varbinary primary key)
show create table v
insert into v values (x'00ff', 'b', 'k')
select hex(a), b, k from v
create table e(id int primary key, a enum('r','it''s','back\\s','o"q','') default 'r', s set('x','y''z'))
select column_name, column_type from information_schema.columns where table_schema='cd_n' and table_name='e' order by ordinal_position
insert into e values (1,'back\\s','x'),(2,'o"q','y''z'),(3,'it''s',null),(4,'','')
select * from e order by id
create table t(id int primary key, a text default 'abc', d varbinary(9) default 'x')
show create table t
select column_name, column_default from information_schema.columns where table_schema='cd_n' and table_name='t' order by ordinal_position
alter table t add column c varchar(20) default 'a\\b'
select column_name, column_default from information_schema.columns where table_schema='cd_n' and table_name='t' order by ordinal_position
insert into t(id) values (1)
select * from t
create table i(id bigint primary key, v vecf32(2))
create index By_V using ivfflat on i(v) lists=2 op_type 'vector_l2_ops' async
show create table i
drop database cd_n
