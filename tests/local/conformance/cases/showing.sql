-- What SHOW, DESCRIBE and information_schema tell of tables and views.
--~ any
drop database if exists conf_showing
create database conf_showing
use conf_showing
create table u (id int primary key, a int, b varchar(10) not null default 'x', unique key uk (a), key kb (b))
insert into u values (1, 2, 'y'), (2, 3, 'z')
create view w as select id, b from u
describe u
desc u a
describe conf_showing.u
describe w
show columns from w
show columns from u where Field = 'a'
show columns from u where `Key` <> '' and Field like 'i%'
show full columns from u
show full columns from u where Field = 'b'
show index from u where Key_name = 'uk'
show index from u where Non_unique = 1
show keys from u where Column_name in ('a', 'b') and Non_unique = 0
show tables like 'u%'
show full tables like 'u%'
show create database conf_showing
show create database no_such_database
--~ volatile: create_time, auto_increment, avg_row_length, data_length
show table status like 'u'
--~ volatile: create_time, auto_increment, avg_row_length, data_length
show table status from conf_showing like 'u'
show engines
show plugins
show events
show character set
show charset
show sequences
select column_name, ordinal_position from information_schema.columns where table_schema = 'conf_showing' and table_name = 'u' order by 2
show variables like 'max_allowed_packet'
show variables like 'wait_timeout'
select @@max_allowed_packet, @@wait_timeout, @@interactive_timeout
drop database conf_showing
